/**
 * @file Asking for work, and no longer wanting it, within the decision that does so. The queue
 * hands it out (`queue.ts`).
 */
import { and, eq, inArray } from 'drizzle-orm';
import type { PipelineWorkKind, RewardWorkKind, RoundWorkKind } from '@/lib/work';
import { newId } from '../ids';
import { work } from '../schema/rounds';
import { change, type Steps, type Transaction } from '../transaction';

/** What work is about: a round, a reward model, or the import of a pipeline. */
export type WorkAbout =
  | { roundId: string }
  | { rewardModelId: string }
  | { pipelineImportId: string };

/** Asks for work; the same kind again on the same thing goes on from its cursor. */
export function* queueWork(
  tx: Transaction,
  asked:
    | { kind: RoundWorkKind; roundId: string }
    | { kind: RewardWorkKind; rewardModelId: string }
    | { kind: PipelineWorkKind; pipelineImportId: string },
  now: number,
): Steps<void> {
  const [about] = columnOf(asked);
  const queued = { state: 'queued' as const, claimedBy: null, attempts: 0, error: null };
  yield* change(
    tx
      .insert(work)
      .values({ id: newId(), ...asked, ...queued, createdAt: now })
      .onConflictDoUpdate({ target: [about, work.kind], set: queued }),
  );
}

/** Nobody wants it any more: a worker that is at it hears so at its next beat. */
export function* cancelWork(tx: Transaction, about: WorkAbout): Steps<void> {
  const [column, id] = columnOf(about);
  yield* change(
    tx
      .update(work)
      .set({ state: 'cancelled' })
      .where(and(eq(column, id), inArray(work.state, ['queued', 'claimed']))),
  );
}

function columnOf(about: WorkAbout) {
  if ('roundId' in about) return [work.roundId, about.roundId] as const;
  if ('rewardModelId' in about) return [work.rewardModelId, about.rewardModelId] as const;
  return [work.pipelineImportId, about.pipelineImportId] as const;
}
