import { route } from '@/app/http/define-route';
import { loadFlags } from '@/app/reads/review/load-flags';
import { flagsQuerySchema } from '../schema';

/** Flags to be checked, or those checked already. */
export const GET = route({ needs: 'review.read', query: flagsQuerySchema }, ({ query }) =>
  loadFlags(query),
);
