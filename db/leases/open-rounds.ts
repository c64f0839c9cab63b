import { and, eq, inArray, or, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { acceptsPreferences, roundStates } from '@/lib/rounds';
import type { RunConfig } from '@/lib/settings/run-config';
import { type Database, db } from '../client';
import { prepared } from '../prepared';
import { pairs } from '../schema/labels';
import { rounds, runs } from '../schema/rounds';
import { one, type Steps } from '../transaction';

export const labelingStates = roundStates.filter(acceptsPreferences);

/** Rounds that nobody has paused, in runs that go on. */
export const roundIsOpen = and(eq(rounds.paused, false), eq(runs.status, 'active'));

/**
 * Training and gold while the round is labeled; evaluation from when it is asked for until it is
 * answered or withdrawn, whatever has become of the round.
 */
export const pairIsServed = or(
  eq(pairs.purpose, 'evaluation'),
  and(
    inArray(pairs.purpose, ['training', 'gold']),
    inArray(rounds.state, labelingStates),
    roundIsOpen,
  ),
);

/** Written out, because a partial index does not serve a parameter. */
export const pairIsOpen = sql`${pairs.state} = 'open'`;

const configOf = prepared((database) =>
  database
    .select({ config: rounds.config })
    .from(rounds)
    .where(eq(rounds.id, sql.placeholder('roundId')))
    .prepare(),
);

/** What a round asks people for, and how. */
type Asking = RunConfig['labeling'] & Pick<RunConfig['sampling'], 'pairSource'>;

const known = new WeakMap<Database, Map<string, Asking>>();

/** Rounds whose settings are remembered; the oldest go first. */
const roundsMax = 1000;

/**
 * How a round asks people. A round's settings never change once it is open, and they stand beside
 * all of its prompts, so they are read once in a process. Throws 'not-found'.
 */
export function* labelingOf(roundId: string): Steps<Asking> {
  const database = db();
  const rounds = known.get(database) ?? new Map<string, Asking>();
  known.set(database, rounds);
  const found = rounds.get(roundId);
  if (found) return found;
  const row = yield* one(configOf, { roundId });
  if (!row) throw new AppError('not-found', `There is no round ${roundId}.`);
  if (rounds.size >= roundsMax) rounds.delete(rounds.keys().next().value ?? '');
  const { labeling, sampling } = row.config;
  const asking = { ...labeling, pairSource: sampling.pairSource };
  rounds.set(roundId, asking);
  return asking;
}
