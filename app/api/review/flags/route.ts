import { route } from '../../../http/define-route';
import { loadFlags } from '../load-flags';
import { flagsQuerySchema } from '../schema';

/** Flags to be checked, or those checked already. */
export const GET = route({ needs: 'review.read', query: flagsQuerySchema }, ({ query }) =>
  loadFlags(query),
);
