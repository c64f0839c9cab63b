import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { skipPair } from '@/db/labeling/preferences';
import { skipGroup } from '@/db/labeling/taggings';
import { type Outcome, skipRequestSchema } from '../schema';

/** Puts a pair or a group aside: it is not offered to this person again. */
export const POST = route(
  { needs: 'label', body: skipRequestSchema, limit: labelLimit },
  async ({ person, body }): Promise<Outcome> => {
    await ('leaseId' in body
      ? skipPair({ leaseId: body.leaseId, annotatorId: person.id })
      : skipGroup({ leaseId: body.groupLeaseId, annotatorId: person.id }));
    return { outcome: 'counted' };
  },
);
