import { renewLeases } from '@/db/leases';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { leasesRequestSchema } from '../schema';
import { shortestLeaseSeconds } from '../serve';

/** Keeps pairs for somebody who is still looking; `lost` are those that others have meanwhile. */
export const POST = route(
  { needs: 'label', body: leasesRequestSchema, limit: labelLimit },
  async ({ person, body }) => {
    const now = Date.now();
    const { renewed, lost } = await renewLeases({ ...body, annotatorId: person.id, now });
    return { lost, leaseSeconds: shortestLeaseSeconds(renewed, now) };
  },
);
