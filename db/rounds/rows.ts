/** @file The rows that decisions start from, by id. */
import { eq } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { type Round, type Run, rounds, runs } from '../schema/rounds';
import { all, one, type Steps, type Transaction } from '../transaction';

/** Throws 'not-found'. */
export function* runIn(tx: Transaction, id: string): Steps<Run> {
  const run = yield* one(tx.select().from(runs).where(eq(runs.id, id)));
  if (!run) throw new AppError('not-found', `There is no run ${id}.`);
  return run;
}

/** Throws 'not-found'. */
export function* roundIn(tx: Transaction, id: string): Steps<Round> {
  const round = yield* one(tx.select().from(rounds).where(eq(rounds.id, id)));
  if (!round) throw new AppError('not-found', `There is no round ${id}.`);
  return round;
}

/** The rounds of a run, in order. */
export function* roundsIn(tx: Transaction, runId: string): Steps<Round[]> {
  return yield* all(
    tx.select().from(rounds).where(eq(rounds.runId, runId)).orderBy(rounds.ordinal),
  );
}
