/**
 * @file Noting, within the decision that changes what a round hangs on, when to look whether it
 * moves on (`advance.ts`).
 */
import { and, eq, gt, isNull, or } from 'drizzle-orm';
import { rounds } from '../schema/rounds';
import { change, type Steps, type Transaction } from '../transaction';

/** A round is to be looked at by `at`, ms, if not earlier. */
export function* noteLook(tx: Transaction, roundId: string, at: number): Steps<void> {
  yield* change(
    tx
      .update(rounds)
      .set({ lookAt: at })
      .where(and(eq(rounds.id, roundId), or(isNull(rounds.lookAt), gt(rounds.lookAt, at)))),
  );
}
