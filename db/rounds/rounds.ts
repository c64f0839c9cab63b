import { and, desc, eq, inArray, lte, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import {
  isFinished,
  type RoundProgress,
  type RoundState,
  roundProgressSchema,
  unfinishedStates,
  workOf,
} from '@/lib/rounds';
import { recordAudit } from '../audit';
import { db } from '../client';
import { recordEvent } from '../events';
import { labelingOf } from '../leases/open-rounds';
import { prepared } from '../prepared';
import { pairs } from '../schema/labels';
import { type Round, rounds, work } from '../schema/rounds';
import { change, immediate, one, read, type Steps, type Transaction } from '../transaction';
import { announceRound, moveRound, setRunStatus } from './decisions';
import { roundIn, roundsIn, runIn } from './rows';

/** Throws 'not-found'. */
export async function getRound(id: string): Promise<Round> {
  return await read(roundIn(db(), id));
}

/** Rounds, newest first; of one run, or in certain states, when asked. */
export async function listRounds({
  runId,
  states,
}: {
  runId?: string;
  states?: readonly RoundState[];
} = {}): Promise<Round[]> {
  return db()
    .select()
    .from(rounds)
    .where(
      and(
        runId === undefined ? undefined : eq(rounds.runId, runId),
        states === undefined ? undefined : inArray(rounds.state, [...states]),
      ),
    )
    .orderBy(desc(rounds.createdAt), desc(rounds.ordinal))
    .all();
}

/** The round of the same run that came before, or null. */
export async function roundBefore({
  runId,
  ordinal,
}: Pick<Round, 'runId' | 'ordinal'>): Promise<Round | null> {
  const own = and(eq(rounds.runId, runId), eq(rounds.ordinal, ordinal - 1));
  return db().select().from(rounds).where(own).get() ?? null;
}

/** The last rounds of the same run up to this one, by their order; so many at most. */
export async function roundsUpTo(
  { runId, ordinal }: Pick<Round, 'runId' | 'ordinal'>,
  limit: number,
): Promise<Pick<Round, 'id' | 'ordinal'>[]> {
  const own = and(eq(rounds.runId, runId), lte(rounds.ordinal, ordinal));
  const found = db()
    .select({ id: rounds.id, ordinal: rounds.ordinal })
    .from(rounds)
    .where(own)
    .orderBy(desc(rounds.ordinal))
    .limit(limit)
    .all();
  return found.reverse();
}

/** Within a decision: merges what is known of a round's progress and tells the pages. */
export function* mergeProgress(
  tx: Transaction,
  round: Round,
  patch: Partial<RoundProgress>,
  now: number,
): Steps<void> {
  const progress = roundProgressSchema.parse({ ...round.progress, ...patch });
  yield* change(tx.update(rounds).set({ progress }).where(eq(rounds.id, round.id)));
  yield* recordEvent(tx, { kind: 'progress', payload: progress, roundId: round.id }, now);
}

const progressOf = prepared((database) =>
  database
    .select({ progress: rounds.progress })
    .from(rounds)
    .where(eq(rounds.id, sql.placeholder('roundId')))
    .prepare(),
);

const setProgress = prepared((database) =>
  database
    .update(rounds)
    .set({
      progress: sql`${sql.placeholder('progress')}`,
      lookAt: sql`case when ${rounds.lookAt} <= ${sql.placeholder('lookAt')} then ${rounds.lookAt} else ${sql.placeholder('lookAt')} end`,
    })
    .where(eq(rounds.id, sql.placeholder('roundId')))
    .prepare(),
);

/**
 * Within a decision: counts answers that came (or, negative, went), without reading those there
 * were, and notes when to look whether the round moves on: once an answer can no longer be undone,
 * or at once where one was.
 */
export function* addLabeled(
  tx: Transaction,
  roundId: string,
  answers: number,
  now: number,
): Steps<void> {
  const { progress: before } = (yield* one(progressOf, { roundId }))!;
  const progress = { ...before, labeled: Math.max(0, before.labeled + answers) };
  const undoMs = answers > 0 ? (yield* labelingOf(roundId)).undoWindowSeconds * 1000 : 0;
  yield* change(setProgress, { roundId, progress: JSON.stringify(progress), lookAt: now + undoMs });
  yield* recordEvent(tx, { kind: 'progress', payload: progress, roundId }, now);
}

/** Merges what is known of a round's progress; pages hear of it as a 'progress' event. */
export async function updateProgress(id: string, patch: Partial<RoundProgress>): Promise<void> {
  await immediate(function* (tx) {
    return yield* mergeProgress(tx, yield* roundIn(tx, id), patch, Date.now());
  });
}

/** Adds to what reproduces a round; keys given again are replaced. */
export async function addToManifest(id: string, part: Record<string, unknown>): Promise<void> {
  await immediate(function* (tx) {
    const manifest = { ...(yield* roundIn(tx, id)).manifest, ...part };
    yield* change(tx.update(rounds).set({ manifest }).where(eq(rounds.id, id)));
  });
}

async function setPaused(id: string, paused: boolean, actorId: string | null): Promise<void> {
  await immediate(function* (tx) {
    const round = yield* roundIn(tx, id);
    if (round.paused === paused) return;
    if (isFinished(round.state)) {
      throw new AppError(
        'conflict',
        `Round ${round.ordinal} is ${round.state}; it cannot be paused.`,
      );
    }
    yield* change(tx.update(rounds).set({ paused }).where(eq(rounds.id, id)));
    yield* announceRound(tx, { ...round, paused }, Date.now());
    yield* recordAudit(tx, {
      actorId,
      action: paused ? 'round.pause' : 'round.resume',
      subject: id,
    });
  });
}

/** Holds a round: no pairs are served, the trainer puts its work down at the next checkpoint. */
export async function pauseRound(id: string, actorId: string | null): Promise<void> {
  await setPaused(id, true, actorId);
}

export async function resumeRound(id: string, actorId: string | null): Promise<void> {
  await setPaused(id, false, actorId);
}

/** Ends a round for good. Its run ends with it, or, when online, waits to be resumed. */
export async function cancelRound(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate(function* (tx) {
    const round = yield* roundIn(tx, id);
    if (round.state === 'cancelled') return;
    yield* moveRound(tx, round, 'cancelled', now);
    const run = yield* runIn(tx, round.runId);
    yield* setRunStatus(tx, run, run.mode === 'online' ? 'paused' : 'cancelled', now);
    yield* recordAudit(tx, { actorId, action: 'round.cancel', subject: id });
  });
}

/** A failed round's open pairs were withdrawn; drawing goes on, so they are wanted again. */
function* reopenPairs(tx: Transaction, roundId: string): Steps<void> {
  yield* change(
    tx
      .update(pairs)
      .set({ state: 'open' })
      .where(and(eq(pairs.roundId, roundId), eq(pairs.state, 'withdrawn'))),
  );
}

/** Tries a failed round again, from the checkpoint of the work that failed. Throws 'conflict'. */
export async function retryRound(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate(function* (tx) {
    const round = yield* roundIn(tx, id);
    const failed = yield* one(
      tx
        .select()
        .from(work)
        .where(and(eq(work.roundId, id), eq(work.state, 'failed'))),
    );
    const resumeAt = unfinishedStates.find((state) => failed && workOf(state) === failed.kind);
    if (round.state !== 'failed' || !resumeAt) {
      throw new AppError(
        'conflict',
        `Round ${round.ordinal} has no failed work to try again. Resume its run to start a new round.`,
      );
    }
    if ((yield* roundsIn(tx, round.runId)).some((other) => !isFinished(other.state))) {
      throw new AppError('conflict', 'Another round of this run is under way. Cancel it first.');
    }
    yield* moveRound(tx, round, resumeAt, now, { error: null });
    if (resumeAt === 'sampling') yield* reopenPairs(tx, id);
    yield* setRunStatus(tx, yield* runIn(tx, round.runId), 'active', now);
    yield* recordAudit(tx, { actorId, action: 'round.retry', subject: id });
  });
}
