import { route } from '../../../http/define-route';
import { loadRates } from '../load-rates';
import { ratesQuerySchema } from '../schema';

/** Defect rates per version, with their counts. */
export const GET = route({ needs: 'review.read', query: ratesQuerySchema }, ({ query }) =>
  loadRates(query),
);
