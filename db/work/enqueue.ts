/**
 * @file Asking for work, and no longer wanting it, within the decision that does so. The queue
 * hands it out (`queue.ts`).
 */
import { and, eq, inArray } from 'drizzle-orm';
import type { RewardWorkKind, RoundWorkKind } from '@/lib/work';
import { newId } from '../ids';
import { work } from '../schema/rounds';
import { change, type Steps, type Transaction } from '../transaction';

/** Asks for work on a round or a reward model; the same kind again goes on from its cursor. */
export function* queueWork(
  tx: Transaction,
  asked: { kind: RoundWorkKind; roundId: string } | { kind: RewardWorkKind; rewardModelId: string },
  now: number,
): Steps<void> {
  const about = 'roundId' in asked ? work.roundId : work.rewardModelId;
  const queued = { state: 'queued' as const, claimedBy: null, attempts: 0, error: null };
  yield* change(
    tx
      .insert(work)
      .values({ id: newId(), ...asked, ...queued, createdAt: now })
      .onConflictDoUpdate({ target: [about, work.kind], set: queued }),
  );
}

/** Nobody wants it any more: a worker that is at it hears so at its next beat. */
export function* cancelWork(
  tx: Transaction,
  about: { roundId: string } | { rewardModelId: string },
): Steps<void> {
  const own =
    'roundId' in about
      ? eq(work.roundId, about.roundId)
      : eq(work.rewardModelId, about.rewardModelId);
  yield* change(
    tx
      .update(work)
      .set({ state: 'cancelled' })
      .where(and(own, inArray(work.state, ['queued', 'claimed']))),
  );
}
