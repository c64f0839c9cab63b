import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { undoPreference, undoSkip } from '@/db/labeling/preferences';
import { labelProgress } from '@/db/labeling/progress';
import { undoGroupSkip, undoTagging } from '@/db/labeling/taggings';
import { daySchema, type Outcome, type UndoRequest, undoRequestSchema } from '../schema';

/**
 * Takes back what was done last: the pair or group is leased to the same person again, its images
 * in the same places.
 */
export const POST = route(
  { needs: 'label', body: undoRequestSchema, query: daySchema, limit: labelLimit },
  async ({ person, body, query }): Promise<Outcome> => {
    return {
      outcome: await takeBack(body, person.id),
      progress: await labelProgress(person.id, query),
    };
  },
);

async function takeBack(action: UndoRequest, annotatorId: string): Promise<Outcome['outcome']> {
  if ('taggingId' in action || 'skippedGroupLeaseId' in action) {
    const undone =
      'taggingId' in action
        ? await undoTagging({ id: action.taggingId, annotatorId })
        : await undoGroupSkip({ leaseId: action.skippedGroupLeaseId, annotatorId });
    return undone.status === 'too-late' ? 'too-late' : undone.group ? 'counted' : 'taken';
  }
  const undone =
    'preferenceId' in action
      ? await undoPreference({ preferenceId: action.preferenceId, annotatorId })
      : await undoSkip({ leaseId: action.skippedLeaseId, annotatorId });
  return undone.status === 'too-late' ? 'too-late' : undone.pair ? 'counted' : 'taken';
}
