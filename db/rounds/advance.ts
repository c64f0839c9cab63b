/**
 * @file The decision that a round moves on. Whoever changes what it hangs on (an answer, a skip, a
 * pause, drawing that ends) notes in the same transaction when to look (`rounds.lookAt`); a trainer
 * looks then, and at all rounds now and then.
 */
import { and, eq, isNotNull, lte } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { prepareArchive, problemOf } from '../answers/archive';
import { type Prepared, prepareTrainingPairs } from '../answers/training-data';
import { recordAudit } from '../audit';
import { db } from '../client';
import { roundIsOpen } from '../leases/open-rounds';
import { type Round, type Run, rounds, runs } from '../schema/rounds';
import { change, immediate, read, type Steps, type Transaction } from '../transaction';
import { answersSince, countAnswers, isExhausted } from './answers';
import { beginOnArchive, startTraining } from './decisions';
import { type Freezing, freeze, takeoverMs } from './freezing';
import { noteLook } from './look';
import { roundIn, runIn } from './rows';

/**
 * Trains on the answers there are, without waiting for more. Throws 'conflict' when there are none.
 */
export async function closeLabeling(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  const round = await read(roundIn(db(), id));
  const { undoWindowSeconds } = round.config.labeling;
  const refuse = ({ ordinal, state }: Round): never => {
    throw new AppError(
      'conflict',
      `Round ${ordinal} is ${state} and cannot train yet: it must be labeling and have answers older than ${undoWindowSeconds} s, of people who are not paused.`,
    );
  };
  const hasAnswers = (await read(countAnswers(db(), round, now - undoWindowSeconds * 1000))) > 0;
  if (round.state !== 'labeling' || !hasAnswers) refuse(round);
  const became = await endLabeling(id, now, {
    may: ({ state }) => state === 'labeling',
    also: (tx) => recordAudit(tx, { actorId, action: 'round.close-labeling', subject: id }),
  });
  if (became === 'withdrawn') refuse(await read(roundIn(db(), id)));
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
  { may, also }: Pick<Freezing, 'may'> & { also?: (tx: Transaction) => Steps<unknown> },
) {
  return freeze({
    roundId,
    may,
    prepare: async () => prepareTrainingPairs(await read(roundIn(db(), roundId)), now),
    *finish(tx, round, data) {
      yield* startTraining(tx, round, data, now);
      if (also) yield* also(tx);
    },
  });
}

/**
 * Freezes the archive for a round that was opened on it, which then trains, or has failed where
 * there is nothing to train on.
 * @param opened what was read just before it was opened, and the token with which it was
 */
export async function freezeOpened(
  roundId: string,
  now: number,
  opened?: { prepared: Prepared; token: string },
): Promise<void> {
  const { startPolicyId, config, runId } = await read(roundIn(db(), roundId));
  const { pipeline, method } = await read(runIn(db(), runId));
  let known = opened?.prepared;
  await freeze({
    roundId,
    token: opened?.token,
    may: ({ state, freezing }) => state === 'training' && freezing !== null,
    async prepare() {
      const first =
        known ?? (await prepareArchive({ pipeline, method, config, startPolicyId, now }));
      known = undefined;
      return first;
    },
    finish: (tx, round, data) => beginOnArchive(tx, round, { data, problem: problemOf(data) }, now),
  });
}

function isBeingLabeled({ state, paused }: Round, { status }: Run): boolean {
  return state === 'labeling' && !paused && status === 'active';
}

/**
 * When a round may move on, ms, if nothing more happens: once its answers suffice and can no longer
 * be undone. 'now' where they do, null where more have to come.
 */
function* readyAt(tx: Transaction, round: Round, now: number): Steps<'now' | number | null> {
  const undoMs = round.config.labeling.undoWindowSeconds * 1000;
  const settled = yield* countAnswers(tx, round, now - undoMs);
  const wanted = round.progress.preferencesWanted - settled;
  if (wanted <= 0) return 'now';
  const unsettled = yield* answersSince(tx, round, now - undoMs);
  const decisive = unsettled[wanted - 1] ?? unsettled.at(-1);
  if (decisive !== undefined) return decisive + undoMs;
  return settled > 0 && (yield* isExhausted(tx, round)) ? 'now' : null;
}

/**
 * Looks whether a round's answers suffice: if so it moves on to training, else it is noted when to
 * look again. Nothing happens where it is not being labeled, or is held.
 */
export async function advance(roundId: string, now = Date.now()): Promise<void> {
  if (await beginLook(roundId)) await look(roundId, now);
}

/**
 * Before anything is read: what changes from here on notes itself again. @param dueAt only what is
 * due then, ms; of several that ask, one begins
 */
async function beginLook(roundId: string, dueAt?: number): Promise<boolean> {
  const due = dueAt === undefined ? undefined : lte(rounds.lookAt, dueAt);
  return immediate(function* (tx) {
    return (
      (yield* change(
        tx
          .update(rounds)
          .set({ lookAt: null })
          .where(and(eq(rounds.id, roundId), due)),
      )).changes === 1
    );
  });
}

async function look(roundId: string, now: number): Promise<void> {
  const round = await read(roundIn(db(), roundId));
  if (!isBeingLabeled(round, await read(runIn(db(), round.runId)))) return;
  let again: number | null = now;
  try {
    const ready = await read(readyAt(db(), round, now));
    if (ready !== 'now') {
      again = ready;
      return;
    }
    const became = await endLabeling(roundId, now, { may: isBeingLabeled });
    // Whoever is at it may have died; what is held now is looked at once it goes on.
    again = became === 'frozen' ? null : became === 'busy' ? now + takeoverMs : now;
  } finally {
    const at = again;
    if (at !== null) await immediate((tx) => noteLook(tx, roundId, at));
  }
}

/** Rounds being labeled that nobody holds; only those due at an instant, ms, when given. */
function beingLabeled(dueAt?: number): string[] {
  return db()
    .select({ id: rounds.id })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        eq(rounds.state, 'labeling'),
        roundIsOpen,
        dueAt === undefined ? undefined : lte(rounds.lookAt, dueAt),
      ),
    )
    .all()
    .map(({ id }) => id);
}

/**
 * Rounds that wait for the archive to be frozen: nobody is at it, or whoever was has not been heard
 * of.
 */
function waitingForArchive(now: number): string[] {
  return db()
    .select({ id: rounds.id, freezing: rounds.freezing })
    .from(rounds)
    .where(and(eq(rounds.state, 'training'), isNotNull(rounds.freezing)))
    .all()
    .filter(({ freezing }) => freezing && freezing.at + takeoverMs <= now)
    .map(({ id }) => id);
}

/**
 * Moves on what is due: rounds of which something has changed, and those opened on an archive that
 * nobody freezes. Where nothing is due, two short lists are read and no lock is taken.
 */
export async function advanceDueRounds(now = Date.now()): Promise<void> {
  for (const id of beingLabeled(now)) if (await beginLook(id, now)) await look(id, now);
  for (const id of waitingForArchive(now)) await freezeOpened(id, now);
}

/** The same of all rounds, due or not. */
export async function advanceReadyRounds(now = Date.now()): Promise<void> {
  for (const id of beingLabeled()) await advance(id, now);
  for (const id of waitingForArchive(now)) await freezeOpened(id, now);
}
