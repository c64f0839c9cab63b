import { and, desc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { isFinished, type RoundProgress, type RoundState, roundProgressSchema } from '@/lib/rounds';
import { prepareArchive, problemOf } from '../answers/archive';
import { type Prepared, prepareTrainingPairs } from '../answers/training-data';
import { recordAudit } from '../audit';
import { db } from '../client';
import { recordEvent } from '../events';
import { prepared } from '../prepared';
import { pairs } from '../schema/labels';
import { type Round, rounds, runs, work } from '../schema/rounds';
import { immediate, type Transaction } from '../transaction';
import { countAnswers, isExhausted } from './answers';
import { announceRound, beginOnArchive, moveRound, setRunStatus, startTraining } from './decisions';
import { type Freezing, freeze } from './freezing';
import { roundIn, roundsIn, runIn } from './rows';

/** Throws 'not-found'. */
export async function getRound(id: string): Promise<Round> {
  return roundIn(db(), id);
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

/** Within a decision: merges what is known of a round's progress and tells the pages. */
export function mergeProgress(
  tx: Transaction,
  round: Round,
  patch: Partial<RoundProgress>,
  now: number,
): void {
  const progress = roundProgressSchema.parse({ ...round.progress, ...patch });
  tx.update(rounds).set({ progress }).where(eq(rounds.id, round.id)).run();
  recordEvent(tx, { kind: 'progress', payload: progress, roundId: round.id }, now);
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
    .set({ progress: sql`${sql.placeholder('progress')}` })
    .where(eq(rounds.id, sql.placeholder('roundId')))
    .prepare(),
);

/** Within a decision: counts answers that came (or, negative, went), without reading those there were. */
export function addLabeled(tx: Transaction, roundId: string, answers: number, now: number): void {
  const { progress: before } = progressOf().get({ roundId })!;
  const progress = { ...before, labeled: Math.max(0, before.labeled + answers) };
  setProgress().run({ roundId, progress: JSON.stringify(progress) });
  recordEvent(tx, { kind: 'progress', payload: progress, roundId }, now);
}

/** Merges what is known of a round's progress; pages hear of it as a 'progress' event. */
export async function updateProgress(id: string, patch: Partial<RoundProgress>): Promise<void> {
  await immediate((tx) => mergeProgress(tx, roundIn(tx, id), patch, Date.now()));
}

/** Adds to what reproduces a round; keys given again are replaced. */
export async function addToManifest(id: string, part: Record<string, unknown>): Promise<void> {
  await immediate((tx) => {
    const manifest = { ...roundIn(tx, id).manifest, ...part };
    tx.update(rounds).set({ manifest }).where(eq(rounds.id, id)).run();
  });
}

async function setPaused(id: string, paused: boolean, actorId: string | null): Promise<void> {
  await immediate((tx) => {
    const round = roundIn(tx, id);
    if (round.paused === paused) return;
    if (isFinished(round.state)) {
      throw new AppError(
        'conflict',
        `Round ${round.ordinal} is ${round.state}; it cannot be paused.`,
      );
    }
    tx.update(rounds).set({ paused }).where(eq(rounds.id, id)).run();
    announceRound(tx, { ...round, paused }, Date.now());
    recordAudit(tx, { actorId, action: paused ? 'round.pause' : 'round.resume', subject: id });
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
  await immediate((tx) => {
    const round = roundIn(tx, id);
    if (round.state === 'cancelled') return;
    moveRound(tx, round, 'cancelled', now);
    const run = runIn(tx, round.runId);
    setRunStatus(tx, run, run.mode === 'online' ? 'paused' : 'cancelled', now);
    recordAudit(tx, { actorId, action: 'round.cancel', subject: id });
  });
}

/** A failed round's open pairs were withdrawn; drawing goes on, so they are wanted again. */
function reopenPairs(tx: Transaction, roundId: string): void {
  tx.update(pairs)
    .set({ state: 'open' })
    .where(and(eq(pairs.roundId, roundId), eq(pairs.state, 'withdrawn')))
    .run();
}

/** Tries a failed round again, from the checkpoint of the work that failed. Throws 'conflict'. */
export async function retryRound(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  const resumeAt = { sample: 'sampling', train: 'training', evaluate: 'evaluating' } as const;
  await immediate((tx) => {
    const round = roundIn(tx, id);
    const failed = tx
      .select()
      .from(work)
      .where(and(eq(work.roundId, id), eq(work.state, 'failed')))
      .get();
    if (round.state !== 'failed' || !failed) {
      throw new AppError(
        'conflict',
        `Round ${round.ordinal} has no failed work to try again. Resume its run to start a new round.`,
      );
    }
    if (roundsIn(tx, round.runId).some((other) => !isFinished(other.state))) {
      throw new AppError('conflict', 'Another round of this run is under way. Cancel it first.');
    }
    moveRound(tx, round, resumeAt[failed.kind], now, { error: null });
    if (failed.kind === 'sample') reopenPairs(tx, id);
    setRunStatus(tx, runIn(tx, round.runId), 'active', now);
    recordAudit(tx, { actorId, action: 'round.retry', subject: id });
  });
}

/** Trains on the answers there are, without waiting for more. Throws 'conflict' when there are none. */
export async function closeLabeling(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  const round = roundIn(db(), id);
  const { undoWindowSeconds } = round.config.labeling;
  const refuse = ({ ordinal, state }: Round): never => {
    throw new AppError(
      'conflict',
      `Round ${ordinal} is ${state} and cannot train yet: it must be labeling and have answers older than ${undoWindowSeconds} s, of people who are not paused.`,
    );
  };
  const hasAnswers = countAnswers(db(), round, now - undoWindowSeconds * 1000) > 0;
  if (round.state !== 'labeling' || !hasAnswers) refuse(round);
  const became = await endLabeling(id, now, {
    may: (_, { state }) => state === 'labeling',
    also: (tx) => recordAudit(tx, { actorId, action: 'round.close-labeling', subject: id }),
  });
  if (became === 'withdrawn') refuse(roundIn(db(), id));
  if (became === 'busy') {
    throw new AppError(
      'conflict',
      `The answers of round ${round.ordinal} are being frozen already. Training begins by itself in a moment.`,
    );
  }
}

/** Freezes a round's answers and moves it on. @param also in the same transaction */
function endLabeling(
  roundId: string,
  now: number,
  { may, also }: Pick<Freezing, 'may'> & { also?: (tx: Transaction) => void },
) {
  return freeze({
    roundId,
    may,
    prepare: async () => prepareTrainingPairs(await getRound(roundId), now),
    finish(tx, round, data) {
      startTraining(tx, round, data, now);
      also?.(tx);
    },
  });
}

/**
 * Freezes the archive for a round that was opened on it, which then trains, or has failed where there is nothing to train on.
 * @param opened what was read just before it was opened, and the token with which it was
 */
export async function freezeOpened(
  roundId: string,
  now: number,
  opened?: { prepared: Prepared; token: string },
): Promise<void> {
  const { startPolicyId, config, runId } = await getRound(roundId);
  const { pipeline, method } = runIn(db(), runId);
  let known = opened?.prepared;
  await freeze({
    roundId,
    token: opened?.token,
    may: (_, { state, freezing }) => state === 'training' && freezing !== null,
    async prepare() {
      const first =
        known ?? (await prepareArchive({ pipeline, method, config, startPolicyId, now }));
      known = undefined;
      return first;
    },
    finish: (tx, round, data) => beginOnArchive(tx, round, { data, problem: problemOf(data) }, now),
  });
}

function isReady(tx: Transaction, round: Round, now: number): boolean {
  const settled = countAnswers(tx, round, now - round.config.labeling.undoWindowSeconds * 1000);
  if (settled >= round.progress.preferencesWanted) return true;
  const allSettled = settled > 0 && settled === countAnswers(tx, round, now);
  return allSettled && isExhausted(tx, round);
}

function isBeingLabeled(tx: Transaction, { state, paused, runId }: Round): boolean {
  return state === 'labeling' && !paused && runIn(tx, runId).status === 'active';
}

function roundsBeingLabeled(): Round[] {
  return db()
    .select({ round: rounds })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(and(eq(rounds.state, 'labeling'), eq(rounds.paused, false), eq(runs.status, 'active')))
    .all()
    .map(({ round }) => round);
}

/** Rounds that wait for the archive to be frozen, or whose freezing has died. */
function roundsToBeFrozen(): { id: string }[] {
  return db()
    .select({ id: rounds.id })
    .from(rounds)
    .where(and(eq(rounds.state, 'training'), isNotNull(rounds.freezing)))
    .all();
}

/**
 * Moves every round whose answers suffice, and can no longer be undone, on to training, and freezes the archive for those that
 * were opened on it. Called by whoever looks for work; reads first, so that looking in vain takes no lock.
 */
export async function advanceReadyRounds(now = Date.now()): Promise<void> {
  for (const round of roundsBeingLabeled()) {
    if (isReady(db(), round, now)) await endLabeling(round.id, now, { may: isBeingLabeled });
  }
  for (const { id } of roundsToBeFrozen()) await freezeOpened(id, now);
}
