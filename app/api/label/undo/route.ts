import { labelProgress } from '@/db/label-progress';
import { undoPreference, undoSkip } from '@/db/preferences';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { daySchema, type Outcome, undoRequestSchema } from '../schema';

/** Takes back an answer or a skip; the pair is leased to the same person again, with the same sides. */
export const POST = route(
  { needs: 'label', body: undoRequestSchema, query: daySchema, limit: labelLimit },
  async ({ person, body, query }): Promise<Outcome> => {
    const annotatorId = person.id;
    const { status } =
      'preferenceId' in body
        ? await undoPreference({ preferenceId: body.preferenceId, annotatorId })
        : await undoSkip({ leaseId: body.skippedLeaseId, annotatorId });
    return {
      outcome: status === 'undone' ? 'counted' : status,
      progress: await labelProgress(annotatorId, query),
    };
  },
);
