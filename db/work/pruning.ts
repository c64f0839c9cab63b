/**
 * @file What a data folder can do without, given up in small transactions: old events, leases and
 * trajectories of rounds that are over.
 */
import { and, asc, eq, gt, inArray, isNotNull, lt, lte, ne, or, sql } from 'drizzle-orm';
import { acceptsPreferences, type RoundState, roundStates } from '@/lib/rounds';
import type { Purpose } from '@/lib/samples';
import { db } from '../client';
import { breathe, portions, rowsPerStatement } from '../portions';
import { withdrawPairs } from '../rounds/decisions';
import { roundIn } from '../rounds/rows';
import { leases, pairs, samples } from '../schema/labels';
import { events, type Round, rounds } from '../schema/rounds';
import { change, immediate, one } from '../transaction';

/** Nothing more happens in them, whoever asks for it: a failed round may be tried again. */
const overStates: RoundState[] = ['done', 'cancelled'];

/**
 * Forgets up to a portion of the events from before an instant (ms); what they told of is in its
 * own tables. Returns how many.
 */
export async function pruneEvents(before: number): Promise<number> {
  const oldest = db()
    .select({ id: events.id, createdAt: events.createdAt })
    .from(events)
    .orderBy(asc(events.id))
    .limit(rowsPerStatement)
    .all();
  const young = oldest.findIndex(({ createdAt }) => createdAt >= before);
  const until = oldest.at(young === -1 ? -1 : young - 1);
  if (young === 0 || !until) return 0;
  return immediate(function* (tx) {
    return (yield* change(tx.delete(events).where(lte(events.id, until.id)))).changes;
  });
}

/**
 * Rounds that ended before an instant (ms) and of which something is still to be given up, oldest
 * first.
 */
export function roundsToTidy(what: keyof NonNullable<Round['tidied']>, before: number): Round[] {
  return db()
    .select()
    .from(rounds)
    .where(and(inArray(rounds.state, overStates), lt(rounds.finishedAt, before)))
    .orderBy(asc(rounds.finishedAt))
    .all()
    .filter(({ tidied }) => tidied?.[what] === undefined);
}

/** Rounds that ended while they were being frozen, by a trainer that died. */
export function roundsHalfFrozen(): string[] {
  return db()
    .select({ id: rounds.id })
    .from(rounds)
    .where(and(inArray(rounds.state, [...overStates, 'failed']), isNotNull(rounds.freezing)))
    .all()
    .map(({ id }) => id);
}

/** Notes that nothing more of this kind is to be given up of a round. */
export async function noteTidied(
  roundId: string,
  what: keyof NonNullable<Round['tidied']>,
): Promise<void> {
  await immediate(function* (tx) {
    const round = yield* one(tx.select().from(rounds).where(eq(rounds.id, roundId)));
    const tidied = { ...round?.tidied, [what]: Date.now() };
    yield* change(tx.update(rounds).set({ tidied }).where(eq(rounds.id, roundId)));
  });
}

/**
 * Forgets the leases of a round that is over, but for those of comparisons (db/comparisons),
 * which outlive it: who answered what stays with the answers. Returns how many.
 */
export async function pruneLeases(roundId: string): Promise<number> {
  const ids = db()
    .select({ id: leases.id })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .where(and(eq(pairs.roundId, roundId), ne(pairs.purpose, 'evaluation')))
    .all()
    .map(({ id }) => id);
  for (const some of portions(ids)) {
    await immediate((tx) => change(tx.delete(leases).where(inArray(leases.id, some))));
  }
  return ids.length;
}

/** A drawn image and its trajectory. */
export interface Kept {
  sampleId: string;
  blob: string;
  createdAt: number;
}

/** A round's trajectories in the order of their samples. @param after the last sample seen */
export function trajectoriesOf(roundId: string, after: string, limit: number): Kept[] {
  return db()
    .select({
      sampleId: samples.id,
      blob: samples.trajectoryBlob,
      createdAt: samples.createdAt,
    })
    .from(samples)
    .where(
      and(eq(samples.roundId, roundId), isNotNull(samples.trajectoryBlob), gt(samples.id, after)),
    )
    .orderBy(asc(samples.id))
    .limit(limit)
    .all()
    .map((row) => ({ ...row, blob: row.blob as string }));
}

/** Points samples to what is left of their trajectories. */
export async function replaceTrajectories(
  replaced: readonly (Kept & { by: string })[],
): Promise<void> {
  await immediate(function* (tx) {
    for (const { sampleId, blob, by } of replaced) {
      yield* change(
        tx
          .update(samples)
          .set({ trajectoryBlob: by })
          .where(and(eq(samples.id, sampleId), eq(samples.trajectoryBlob, blob))),
      );
    }
  });
}

/**
 * Withdraws, a portion at a time, the open pairs of rounds that have stopped taking answers and had
 * more of them than one transaction takes. Returns how many.
 */
export async function withdrawLeftPairs(): Promise<number> {
  let withdrawn = 0;
  for (const { id } of roundsWithLeftPairs()) {
    for (let some = 1; some > 0; withdrawn += some) {
      some = await immediate(function* (tx) {
        const { state } = yield* roundIn(tx, id);
        return acceptsPreferences(state) ? 0 : yield* withdrawPairs(tx, id);
      });
      await breathe();
    }
  }
  return withdrawn;
}

const closedStates = roundStates.filter((state) => !acceptsPreferences(state));

function roundsWithLeftPairs(): { id: string }[] {
  const hasOpen = (purpose: Purpose) =>
    sql`exists (select 1 from ${pairs} where ${pairs.roundId} = ${rounds.id}
      and ${pairs.state} = 'open' and ${pairs.purpose} = ${purpose})`;
  return db()
    .select({ id: rounds.id })
    .from(rounds)
    .where(and(inArray(rounds.state, closedStates), or(hasOpen('training'), hasOpen('gold'))))
    .all();
}
