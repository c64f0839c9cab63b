import { skipPair } from '@/db/preferences';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { type Outcome, skipRequestSchema } from '../schema';

/** Puts a pair aside: it is not offered to this person again. */
export const POST = route(
  { needs: 'label', body: skipRequestSchema, limit: labelLimit },
  async ({ person, body }): Promise<Outcome> => {
    await skipPair({ leaseId: body.leaseId, annotatorId: person.id });
    return { outcome: 'counted' };
  },
);
