/**
 * @file Freezing what a round trains on, without holding the write lock while people pick:
 * everything is read and worked out before, the rows go in by portions, and the last transaction
 * looks whether what was read still holds and lets them count. Until then nobody sees them
 * (`rounds.freezing` is set), so a crash leaves nothing half frozen: whoever comes next begins
 * anew.
 */
import { and, eq, inArray } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { markIn } from '../answers/frozen-mark';
import type { Prepared, TrainingData } from '../answers/training-data';
import { db } from '../client';
import { newId } from '../ids';
import { breathe, portions, rowsPerStatement } from '../portions';
import { trainingLabels, trainingPairs } from '../schema/labels';
import { type Round, type Run, rounds } from '../schema/rounds';
import { change, immediate, type Steps, type Transaction } from '../transaction';
import { roundIn, runIn } from './rows';

/** Who has not been heard of for so long has died. */
export const takeoverMs = 30_000;

/** How often it is begun anew because somebody was paused, or a flag reviewed, in the meantime. */
const attemptsMax = 10;

export interface Freezing {
  roundId: string;
  /** With which the round was opened, by whoever freezes it now. */
  token?: string;
  /** Reads and works out; called again where something has changed meanwhile. */
  prepare: () => Promise<Prepared>;
  /** Whether the round may still be frozen; asked when it begins and when it ends. */
  may: (round: Round, run: Run) => boolean;
  /** The rows stand: what else happens with that, in the same transaction. */
  finish: (tx: Transaction, round: Round, data: TrainingData) => Steps<unknown>;
}

/**
 * Freezes a round. 'busy': somebody else is at it. 'withdrawn': it may no longer be frozen, and
 * nothing is left of it. Throws 'unavailable' when what people said changes again and again.
 */
export async function freeze(freezing: Freezing): Promise<'frozen' | 'busy' | 'withdrawn'> {
  const { roundId, may, finish, token = newId() } = freezing;
  const begun = await immediate(function* (tx) {
    const round = yield* roundIn(tx, roundId);
    if (!may(round, yield* runIn(tx, round.runId))) return 'withdrawn';
    const other = round.freezing?.token === token ? null : round.freezing;
    if (other && Date.now() - other.at < takeoverMs) return 'busy';
    yield* note(tx, roundId, token);
    return 'frozen';
  });
  if (begun !== 'frozen') return begun;
  const step = own(roundId, token);
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const { pairs, labels, data, mark, markedBy } = await freezing.prepare();
      await clear(roundId, step);
      await store(roundId, { pairs, labels }, step);
      const done = await step(function* (tx, round) {
        if (!may(round, yield* runIn(tx, round.runId))) return 'withdrawn';
        if ((yield* markIn(tx, markedBy)) !== mark) return 'changed';
        yield* change(tx.update(rounds).set({ freezing: null }).where(eq(rounds.id, roundId)));
        yield* finish(tx, { ...round, freezing: null }, data);
        return 'frozen';
      });
      if (done === 'frozen') return done;
      if (done === 'withdrawn') {
        await forget(roundId, step);
        return done;
      }
    }
  } catch (thrown) {
    if (thrown instanceof TakenOver) return 'busy';
    // Whoever comes next need not wait until this one is given up.
    await step((tx) => note(tx, roundId, token, 0)).catch(() => {});
    throw thrown;
  }
  await step((tx) => note(tx, roundId, token, 0));
  throw new AppError(
    'unavailable',
    `What people said changed ${attemptsMax} times while it was being frozen. Try again when nobody is paused or reviews flags.`,
  );
}

/**
 * Takes away what was frozen of a round that has ended since; for rounds that nobody will freeze
 * any more.
 */
export async function forgetFreezing(roundId: string): Promise<void> {
  await forget(roundId, (decide) =>
    immediate(function* (tx) {
      return yield* decide(tx, yield* roundIn(tx, roundId));
    }),
  );
}

type Step = <T>(decide: (tx: Transaction, round: Round) => Steps<T>) => Promise<T>;

class TakenOver extends Error {}

/** Decisions that hold only while nobody else has taken over; each says that this one is at it. */
function own(roundId: string, token: string): Step {
  return (decide) =>
    immediate(function* (tx) {
      const round = yield* roundIn(tx, roundId);
      if (round.freezing?.token !== token) throw new TakenOver();
      yield* note(tx, roundId, token);
      return yield* decide(tx, round);
    });
}

function* note(tx: Transaction, roundId: string, token: string, at = Date.now()): Steps<void> {
  yield* change(tx.update(rounds).set({ freezing: { token, at } }).where(eq(rounds.id, roundId)));
}

async function store(
  roundId: string,
  { pairs, labels }: Pick<Prepared, 'pairs' | 'labels'>,
  step: Step,
): Promise<void> {
  const numbered = <Row>(rows: readonly Row[]) =>
    rows.map((row, ordinal) => ({ roundId, ordinal, ...row }));
  // Each portion in a transaction of its own, of some thirty milliseconds.
  for (const rows of portions(numbered(pairs))) {
    await step((tx) => change(tx.insert(trainingPairs).values(rows)));
    await breathe();
  }
  for (const rows of portions(numbered(labels))) {
    await step((tx) => change(tx.insert(trainingLabels).values(rows)));
    await breathe();
  }
}

/** Takes away what an earlier attempt left. */
async function clear(roundId: string, step: Step): Promise<void> {
  for (const table of [trainingPairs, trainingLabels] as const) {
    for (;;) {
      const left = db()
        .select({ ordinal: table.ordinal })
        .from(table)
        .where(eq(table.roundId, roundId))
        .limit(rowsPerStatement)
        .all();
      if (left.length === 0) break;
      const ordinals = left.map(({ ordinal }) => ordinal);
      await step(function* (tx) {
        yield* change(
          tx.delete(table).where(and(eq(table.roundId, roundId), inArray(table.ordinal, ordinals))),
        );
      });
      await breathe();
    }
  }
}

async function forget(roundId: string, step: Step): Promise<void> {
  await clear(roundId, step);
  await step(function* (tx) {
    yield* change(tx.update(rounds).set({ freezing: null }).where(eq(rounds.id, roundId)));
  });
}
