import { labelProgress } from '@/db/label-progress';
import { undoPreference, undoSkip } from '@/db/preferences';
import { undoTagging } from '@/db/taggings';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { daySchema, type Outcome, type UndoRequest, undoRequestSchema } from '../schema';

/** Takes back what was done last; a pair is leased to the same person again, with the same sides. */
export const POST = route(
  { needs: 'label', body: undoRequestSchema, query: daySchema, limit: labelLimit },
  async ({ person, body, query }): Promise<Outcome> => {
    return {
      outcome: await takeBack(body, person.id),
      progress: await labelProgress(person.id, query),
    };
  },
);

async function takeBack(deed: UndoRequest, annotatorId: string): Promise<Outcome['outcome']> {
  if ('taggingId' in deed) {
    return (await undoTagging({ id: deed.taggingId, annotatorId })) ? 'counted' : 'too-late';
  }
  const { status } =
    'preferenceId' in deed
      ? await undoPreference({ preferenceId: deed.preferenceId, annotatorId })
      : await undoSkip({ leaseId: deed.skippedLeaseId, annotatorId });
  return status === 'undone' ? 'counted' : status;
}
