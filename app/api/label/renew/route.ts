import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { shortestLeaseSeconds } from '@/app/reads/label/serve';
import { renewGroupLeases } from '@/db/leases/group-leases';
import { renewLeases } from '@/db/leases/pair-leases';
import { leasesRequestSchema } from '../schema';

/**
 * Keeps pairs and groups for somebody who is still looking; `lost` are those that others have
 * meanwhile.
 */
export const POST = route(
  { needs: 'label', body: leasesRequestSchema, limit: labelLimit },
  async ({ person, body: { leaseIds, groupLeaseIds } }) => {
    const now = Date.now();
    const whose = { annotatorId: person.id, now };
    const pairs =
      leaseIds.length > 0 ? await renewLeases({ ...whose, leaseIds }) : { renewed: [], lost: [] };
    const groups = await renewGroupLeases({ ...whose, leaseIds: groupLeaseIds });
    return {
      lost: [...pairs.lost, ...groups.lost],
      leaseSeconds: shortestLeaseSeconds([...pairs.renewed, ...groups.renewed], now),
    };
  },
);
