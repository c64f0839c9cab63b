import { route } from '@/app/http/define-route';
import { loadRates } from '@/app/reads/review/load-rates';
import { ratesPageQuerySchema } from '../schema';

/** Defect rates per version, some versions at a time, with their counts. */
export const GET = route({ needs: 'review.read', query: ratesPageQuerySchema }, ({ query }) =>
  loadRates(query),
);
