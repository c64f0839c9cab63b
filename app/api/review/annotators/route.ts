import { route } from '@/app/http/define-route';
import { loadAnnotators } from '@/app/reads/review/load-annotators';
import { annotatorsQuerySchema } from '../schema';

/** How each annotator judges, a page of them. */
export const GET = route({ needs: 'review.read', query: annotatorsQuerySchema }, ({ query }) =>
  loadAnnotators(query),
);
