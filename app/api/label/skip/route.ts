import { skipPair } from '@/db/preferences';
import { labelLimit } from '../../../http/rate-limit';
import { route } from '../../../http/route';
import { type Outcome, skipRequestSchema } from '../schema';

/** Puts a pair aside: it is not offered to this person again. */
export const POST = route(
  { needs: 'label', body: skipRequestSchema, limit: labelLimit },
  async ({ person, body }): Promise<Outcome> => {
    await skipPair({ leaseId: body.leaseId, annotatorId: person.id });
    return { outcome: 'counted' };
  },
);
