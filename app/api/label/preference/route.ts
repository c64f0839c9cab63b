import { labelProgress } from '@/db/label-progress';
import { submitPreference } from '@/db/preferences';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { daySchema, type Outcome, preferenceRequestSchema } from '../schema';

/** Stores an answer and says so only once it is on disk. Sending the same id again changes nothing. */
export const POST = route(
  { needs: 'label', body: preferenceRequestSchema, query: daySchema, limit: labelLimit },
  async ({ person, body, query }): Promise<Outcome> => {
    const { status } = await submitPreference({ ...body, annotatorId: person.id });
    return {
      // An answer undone before its retry arrived did count, until it was taken back.
      outcome: status === 'accepted' || status === 'undone' ? 'counted' : status,
      progress: await labelProgress(person.id, query),
    };
  },
);
