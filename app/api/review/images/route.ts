import { route } from '@/app/http/define-route';
import { loadImages } from '@/app/reads/review/load-images';
import { imagesQuerySchema } from '../schema';

/** The images behind a rate. */
export const GET = route({ needs: 'review.read', query: imagesQuerySchema }, ({ query }) =>
  loadImages(query),
);
