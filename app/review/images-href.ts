import type { ImagesQuery } from '../api/review/schema';
import { withParams } from './search-params';

/** Where the images behind a rate are. */
export function imagesHref(policyId: string, filter: Partial<Omit<ImagesQuery, 'policy'>>): string {
  return withParams('/review/images', { policy: policyId, ...filter });
}
