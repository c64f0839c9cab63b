import { releaseLeases } from '@/db/leases';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { leasesRequestSchema } from '../schema';

/** Gives pairs back unjudged; sent as a beacon when the page is left. */
export const POST = route(
  { needs: 'label', body: leasesRequestSchema, limit: labelLimit },
  async ({ person, body }) => {
    await releaseLeases({ ...body, annotatorId: person.id });
  },
);
