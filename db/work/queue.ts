/**
 * @file The queue of everything that trainers do: claim, beat, checkpoint, release, finish, fail.
 * What a kind of work is about and what becomes of that stands in `kinds.ts`; what follows from
 * work that is done, in `results.ts`.
 */
import { and, asc, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import type { RoundProgress } from '@/lib/rounds';
import {
  type PipelineWorkKind,
  type RewardWorkKind,
  type RoundWorkKind,
  roundWorkKinds,
  type WorkKind,
} from '@/lib/work';
import { db } from '../client';
import { isTrue } from '../dialect';
import type { PipelineImport } from '../policies/pipeline-imports';
import type { RewardModel } from '../rewards/reward-models';
import { mergeProgress } from '../rounds/rounds';
import { roundIn } from '../rounds/rows';
import { pipelineImports } from '../schema/pipeline-imports';
import { rewardModels } from '../schema/rewards';
import { type Round, type Run, rounds, runs, work } from '../schema/rounds';
import { all, change, immediate, one, read, type Steps, type Transaction } from '../transaction';
import { kinds, type Work } from './kinds';

/** A claim whose worker has not been heard of for this long may be taken over. */
export const takeoverMs = 30_000;

interface RoundWork<Kind> {
  work: Work & { kind: Kind };
  round: Round;
  run: Run;
  rewardModel: null;
  pipelineImport: null;
}

interface RewardWork<Kind> {
  work: Work & { kind: Kind };
  round: null;
  run: null;
  rewardModel: RewardModel;
  pipelineImport: null;
}

interface PipelineWork<Kind> {
  work: Work & { kind: Kind };
  round: null;
  run: null;
  rewardModel: null;
  pipelineImport: PipelineImport;
}

/** A piece of work with what it is about; `work.cursor` is where to go on, null at the start. */
export type ClaimedWork<Kind extends WorkKind = WorkKind> = Kind extends RoundWorkKind
  ? RoundWork<Kind>
  : Kind extends RewardWorkKind
    ? RewardWork<Kind>
    : PipelineWork<Kind & PipelineWorkKind>;

/** Whose claim it is: every report about work carries both, and is refused after a takeover. */
export interface Claim {
  workId: string;
  workerId: string;
}

/** Work on a round waits while the round, or its run, is held. */
const isHeld = sql`(${rounds.paused} or ${runs.status} <> 'active')`;

/** Work with what it is about. */
function workIn(tx: Transaction) {
  return tx
    .select({
      work,
      round: rounds,
      run: runs,
      rewardModel: rewardModels,
      pipelineImport: pipelineImports,
    })
    .from(work)
    .leftJoin(rounds, eq(rounds.id, work.roundId))
    .leftJoin(runs, eq(runs.id, rounds.runId))
    .leftJoin(rewardModels, eq(rewardModels.id, work.rewardModelId))
    .leftJoin(pipelineImports, eq(pipelineImports.id, work.pipelineImportId));
}

function* waitingWork(tx: Transaction, among: readonly WorkKind[], now: number) {
  return (yield* one(
    workIn(tx)
      .where(
        and(
          // Written out, because a partial index does not serve a parameter.
          sql`${work.state} in ('queued', 'claimed')`,
          or(eq(work.state, 'queued'), lt(work.heartbeatAt, now - takeoverMs)),
          inArray(work.kind, [...among]),
          or(isNull(work.roundId), sql`not ${isHeld}`),
        ),
      )
      .orderBy(asc(work.createdAt))
      .limit(1),
  ))?.work;
}

/**
 * The next piece of work for a worker, of the kinds that it does (those of rounds, unless told), or
 * null. A claim without a heartbeat for 30 s is taken over with its cursor. Work that was claimed
 * as often as its kind may be without reaching a checkpoint is given up instead.
 */
export async function claimWork<Kind extends WorkKind = RoundWorkKind>({
  workerId,
  kinds: among = roundWorkKinds as readonly WorkKind[] as readonly Kind[],
  now = Date.now(),
}: {
  workerId: string;
  kinds?: readonly Kind[];
  now?: number;
}): Promise<ClaimedWork<Kind> | null> {
  // Read first, so that looking in vain takes no lock.
  if (!(await read(waitingWork(db(), among, now)))) return null;
  return immediate(function* (tx) {
    for (;;) {
      const waiting = yield* waitingWork(tx, among, now);
      if (!waiting) return null;
      const { id, attempts, error } = waiting;
      const kind = kinds[waiting.kind];
      if (attempts >= kind.attemptsMax) {
        yield* giveUp(tx, waiting, kind.givenUp(error), now);
        continue;
      }
      yield* change(
        tx
          .update(work)
          .set({
            state: 'claimed',
            claimedBy: workerId,
            claimedAt: now,
            heartbeatAt: now,
            attempts: attempts + 1,
            error: null,
          })
          .where(eq(work.id, id)),
      );
      if (kind.moved) yield* kind.moved(tx, waiting, 'claimed', now);
      return (yield* one(workIn(tx).where(eq(work.id, id)))) as ClaimedWork<Kind>;
    }
  });
}

function* giveUp(tx: Transaction, given: Work, error: string, now: number): Steps<void> {
  yield* change(tx.update(work).set({ state: 'failed', error }).where(eq(work.id, given.id)));
  yield* kinds[given.kind].failed(tx, given, error, now);
}

function* claimIn(tx: Transaction, { workId, workerId }: Claim): Steps<Work> {
  const row = yield* one(tx.select().from(work).where(eq(work.id, workId)));
  if (row?.state !== 'claimed' || row.claimedBy !== workerId) {
    throw new AppError(
      'work-lost',
      `Work ${workId} is no longer ${workerId}'s (${row ? `${row.state}, ${row.claimedBy ?? 'nobody'}` : 'unknown'}). Put it down and claim again.`,
    );
  }
  return row;
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
  return immediate(function* (tx) {
    const found = yield* one(
      tx
        .select({ state: work.state, claimedBy: work.claimedBy, held: isTrue(isHeld) })
        .from(work)
        .leftJoin(rounds, eq(rounds.id, work.roundId))
        .leftJoin(runs, eq(runs.id, rounds.runId))
        .where(eq(work.id, workId)),
    );
    if (found?.claimedBy !== workerId) return { proceed: false, because: 'lost' };
    if (found.state === 'cancelled') return { proceed: false, because: 'cancelled' };
    if (found.state !== 'claimed') return { proceed: false, because: 'lost' };
    yield* change(tx.update(work).set({ heartbeatAt: now }).where(eq(work.id, workId)));
    return found.held ? { proceed: false, because: 'paused' } : { proceed: true };
  });
}

/**
 * Stores where to go on after a crash, with the progress reached of a round. Counts as a heartbeat.
 */
export async function checkpointWork({
  cursor,
  progress,
  now = Date.now(),
  ...claim
}: Claim & { cursor: unknown; progress?: Partial<RoundProgress>; now?: number }): Promise<void> {
  await immediate(function* (tx) {
    const { roundId } = yield* claimIn(tx, claim);
    yield* change(
      tx
        .update(work)
        .set({ cursor, attempts: 0, heartbeatAt: now })
        .where(eq(work.id, claim.workId)),
    );
    if (progress && roundId) yield* mergeProgress(tx, yield* roundIn(tx, roundId), progress, now);
  });
}

/**
 * Puts work down, for itself or another worker to go on from its cursor. Without an error it is put
 * down in good order, and its attempts are counted anew. @param error what ended the attempt, and
 * may pass: an engine that died, a busy database
 */
export async function releaseWork({
  error = null,
  ...claim
}: Claim & { error?: string | null }): Promise<void> {
  await immediate(function* (tx) {
    const { attempts } = yield* claimIn(tx, claim);
    yield* putBack(tx, { id: claim.workId, attempts: error === null ? 0 : attempts, error });
  });
}

/** Within a decision: what a worker that has ended held waits for another one. */
export function* putBackAll(tx: Transaction, workerId: string): Steps<void> {
  const held = and(eq(work.claimedBy, workerId), eq(work.state, 'claimed'));
  const rows = yield* all(tx.select().from(work).where(held));
  for (const { id, attempts } of rows) yield* putBack(tx, { id, attempts, error: null });
}

function* putBack(
  tx: Transaction,
  { id, ...known }: Pick<Work, 'id' | 'attempts' | 'error'>,
): Steps<void> {
  const waiting = yield* one(
    tx
      .update(work)
      .set({ state: 'queued', claimedBy: null, ...known })
      .where(eq(work.id, id))
      .returning(),
  );
  const kind = kinds[waiting.kind];
  if (kind.moved) yield* kind.moved(tx, waiting, 'queued', Date.now());
}

/**
 * Ends work with what follows from it (`results.ts`), in one transaction. Throws 'work-lost' after
 * a takeover.
 */
export async function finishWork(
  claim: Claim,
  among: readonly WorkKind[],
  follow: (tx: Transaction, done: Work) => Steps<unknown>,
): Promise<void> {
  await immediate(function* (tx) {
    const claimed = yield* claimIn(tx, claim);
    if (!among.includes(claimed.kind)) {
      throw new AppError(
        'conflict',
        `Work ${claim.workId} is to ${claimed.kind}, not to ${among.join(' or ')}.`,
      );
    }
    yield* change(tx.update(work).set({ state: 'done' }).where(eq(work.id, claim.workId)));
    yield* follow(tx, claimed);
  });
}

/** Gives work up with a message that says what happened and what to do. */
export async function failWork({ error, ...claim }: Claim & { error: string }): Promise<void> {
  await immediate(function* (tx) {
    return yield* giveUp(tx, yield* claimIn(tx, claim), error, Date.now());
  });
}
