import { and, asc, eq, inArray, lt, or } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { isFinished, type RoundProgress, type WorkKind, workKinds } from '@/lib/rounds';
import { db } from '../client';
import { completeRound, failRound, moveRound } from '../rounds/decisions';
import { advanceReadyRounds, mergeProgress } from '../rounds/rounds';
import { roundIn, runIn } from '../rounds/rows';
import { type Round, type Run, rounds, runs, work } from '../schema/rounds';
import { immediate, type Transaction } from '../transaction';

export type Work = typeof work.$inferSelect;

/** A claim whose worker has not been heard of for this long may be taken over. */
export const takeoverMs = 30_000;

/** Claims without a checkpoint in between after which work is given up: it kills its workers. */
const attemptsMax = 5;

/** A piece of work with what it is about; `work.cursor` is where to go on, null at the start. */
export interface ClaimedWork {
  work: Work;
  round: Round;
  run: Run;
}

/** Whose claim it is: every report about work carries both, and is refused after a takeover. */
export interface Claim {
  workId: string;
  workerId: string;
}

function waitingWork(tx: Transaction, kinds: readonly WorkKind[], now: number) {
  return tx
    .select({ work, round: rounds, run: runs })
    .from(work)
    .innerJoin(rounds, eq(rounds.id, work.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        or(
          eq(work.state, 'queued'),
          and(eq(work.state, 'claimed'), lt(work.heartbeatAt, now - takeoverMs)),
        ),
        inArray(work.kind, [...kinds]),
        eq(rounds.paused, false),
        eq(runs.status, 'active'),
      ),
    )
    .orderBy(asc(work.createdAt))
    .limit(1)
    .get();
}

/**
 * The next piece of work for a worker, or null. Moves rounds that are ready on to training first.
 * A claim without a heartbeat for 30 s is taken over with its cursor; work that has been claimed five
 * times without reaching a checkpoint fails its round instead.
 */
export async function claimWork({
  workerId,
  kinds = workKinds,
  now = Date.now(),
}: {
  workerId: string;
  kinds?: readonly WorkKind[];
  now?: number;
}): Promise<ClaimedWork | null> {
  await advanceReadyRounds(now);
  if (!waitingWork(db(), kinds, now)) return null;
  return immediate((tx) => {
    const waiting = waitingWork(tx, kinds, now);
    if (!waiting) return null;
    if (waiting.work.attempts >= attemptsMax) {
      const error = `The trainer stopped ${attemptsMax} times in a row at this point, without a message. Look at its log (often: out of memory), then try again.`;
      tx.update(work).set({ state: 'failed', error }).where(eq(work.id, waiting.work.id)).run();
      failRound(tx, waiting.round, error, now);
      return null;
    }
    const claimed = tx
      .update(work)
      .set({
        state: 'claimed',
        claimedBy: workerId,
        claimedAt: now,
        heartbeatAt: now,
        attempts: waiting.work.attempts + 1,
      })
      .where(eq(work.id, waiting.work.id))
      .returning()
      .get();
    return { ...waiting, work: claimed };
  });
}

function claimIn(tx: Transaction, { workId, workerId }: Claim): { work: Work; round: Round } {
  const row = tx.select().from(work).where(eq(work.id, workId)).get();
  if (row?.state !== 'claimed' || row.claimedBy !== workerId) {
    throw new AppError(
      'work-lost',
      `Work ${workId} is no longer ${workerId}'s (${row ? `${row.state}, ${row.claimedBy ?? 'nobody'}` : 'unknown'}). Put it down and claim again.`,
    );
  }
  return { work: row, round: roundIn(tx, row.roundId) };
}

export type HeartbeatResult =
  | { proceed: true }
  /** Paused: checkpoint and releaseWork. Cancelled or lost: drop it. */
  | { proceed: false; because: 'paused' | 'cancelled' | 'lost' };

/** Says that a worker is still at it; answers whether it should be. At least every 10 s. */
export async function heartbeatWork({
  workId,
  workerId,
  now = Date.now(),
}: Claim & { now?: number }): Promise<HeartbeatResult> {
  return immediate((tx) => {
    const row = tx.select().from(work).where(eq(work.id, workId)).get();
    const round = row && roundIn(tx, row.roundId);
    if (round && isFinished(round.state)) return { proceed: false, because: 'cancelled' };
    if (!row || !round || row.state !== 'claimed' || row.claimedBy !== workerId) {
      return { proceed: false, because: 'lost' };
    }
    tx.update(work).set({ heartbeatAt: now }).where(eq(work.id, workId)).run();
    const paused = round.paused || runIn(tx, round.runId).status === 'paused';
    return paused ? { proceed: false, because: 'paused' } : { proceed: true };
  });
}

/** Stores where to go on after a crash, with the progress reached. Counts as a heartbeat. */
export async function checkpointWork({
  cursor,
  progress,
  now = Date.now(),
  ...claim
}: Claim & { cursor: unknown; progress?: Partial<RoundProgress>; now?: number }): Promise<void> {
  await immediate((tx) => {
    const { round } = claimIn(tx, claim);
    tx.update(work)
      .set({ cursor, attempts: 0, heartbeatAt: now })
      .where(eq(work.id, claim.workId))
      .run();
    if (progress) mergeProgress(tx, round, progress, now);
  });
}

/** Puts work down, for itself or another worker to go on from its cursor. */
export async function releaseWork(claim: Claim): Promise<void> {
  await immediate((tx) => {
    claimIn(tx, claim);
    tx.update(work)
      .set({ state: 'queued', claimedBy: null, attempts: 0 })
      .where(eq(work.id, claim.workId))
      .run();
  });
}

function endWork(tx: Transaction, claim: Claim, kind: WorkKind): Round {
  const claimed = claimIn(tx, claim);
  if (claimed.work.kind !== kind) {
    throw new AppError(
      'conflict',
      `Work ${claim.workId} is to ${claimed.work.kind}, not to ${kind}.`,
    );
  }
  tx.update(work).set({ state: 'done' }).where(eq(work.id, claim.workId)).run();
  return claimed.round;
}

/** All images and pairs are recorded: the round waits for people. */
export async function finishSampling(claim: Claim): Promise<void> {
  await immediate((tx) => {
    moveRound(tx, endWork(tx, claim, 'sample'), 'labeling', Date.now());
  });
}

/** The trained policy is recorded (createPolicy): the round goes on to evaluate it. */
export async function finishTraining({
  resultPolicyId,
  manifest,
  ...claim
}: Claim & { resultPolicyId: string; manifest?: Record<string, unknown> }): Promise<void> {
  await immediate((tx) => {
    const round = endWork(tx, claim, 'train');
    moveRound(tx, round, 'evaluating', Date.now(), {
      resultPolicyId,
      manifest: { ...round.manifest, ...manifest },
    });
  });
}

/** The evaluation is recorded: the serving rule decides, an online run starts its next round. */
export async function finishEvaluation(claim: Claim): Promise<void> {
  await immediate((tx) => completeRound(tx, endWork(tx, claim, 'evaluate'), Date.now()));
}

/** Stops the round with a message that says what happened and what to do; retryRound tries again. */
export async function failWork({ error, ...claim }: Claim & { error: string }): Promise<void> {
  await immediate((tx) => {
    const { round } = claimIn(tx, claim);
    tx.update(work).set({ state: 'failed', error }).where(eq(work.id, claim.workId)).run();
    failRound(tx, round, error, Date.now());
  });
}
