import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { submitPreference } from '@/db/labeling/preferences';
import { labelProgress } from '@/db/labeling/progress';
import { daySchema, type Outcome, preferenceRequestSchema } from '../schema';

/**
 * Stores an answer and says so only once it is on disk. Sending the same id again changes nothing.
 */
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
