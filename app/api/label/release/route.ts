import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { renewGroupLeases } from '@/db/leases/group-leases';
import { renewLeases } from '@/db/leases/pair-leases';
import { leasesRequestSchema } from '../schema';

/**
 * Long enough for a reload to find its pairs again, short enough that nobody waits for the others.
 */
const graceSeconds = 10;

/** Gives pairs and groups back unjudged, after a moment; sent as a beacon when the page is left. */
export const POST = route(
  { needs: 'label', body: leasesRequestSchema, limit: labelLimit },
  async ({ person, body: { leaseIds, groupLeaseIds } }) => {
    const given = { annotatorId: person.id, leaseSeconds: graceSeconds };
    if (leaseIds.length > 0) await renewLeases({ ...given, leaseIds });
    await renewGroupLeases({ ...given, leaseIds: groupLeaseIds });
  },
);
