import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import type { ComparisonEnd } from '@/lib/answers';
import type { PairState } from '@/lib/samples';
import { isBeyondChance } from '@/lib/statistics/sequential';
import { stateNow } from '../leases/next-pair';
import { comparisons } from '../schema/comparisons';
import { leases, pairs, preferences, samples } from '../schema/labels';
import { user } from '../schema/people';
import { all, change, one, type Steps, type Transaction } from '../transaction';
import { first, isBetween, isComparison, isOf, ordered, second, type Versions } from './versions';

/**
 * Asks no more: open pairs are withdrawn, also those in somebody's hand. Returns how many. Why an
 * earlier end came stays.
 */
export function* endComparison(
  tx: Transaction,
  versions: Versions,
  ended: ComparisonEnd,
  now: number,
): Steps<number> {
  const open = yield* pairsIn(tx, versions, 'open');
  for (const id of open) {
    yield* change(tx.update(pairs).set({ state: 'withdrawn' }).where(eq(pairs.id, id)));
    yield* change(
      tx
        .update(leases)
        .set({ releasedAt: now })
        .where(and(eq(leases.pairId, id), isNull(leases.releasedAt))),
    );
  }
  yield* change(
    tx
      .update(comparisons)
      .set({ ended, endedAt: now })
      .where(and(isOf(versions), isNull(comparisons.ended))),
  );
  return open.length;
}

function* pairsIn(tx: Transaction, versions: Versions, state: PairState): Steps<string[]> {
  const found = yield* all(
    tx
      .select({ id: pairs.id })
      .from(pairs)
      .innerJoin(first, eq(first.id, pairs.sampleAId))
      .innerJoin(second, eq(second.id, pairs.sampleBId))
      .where(and(isComparison, eq(pairs.state, state), isBetween(versions))),
  );
  return found.map(({ id }) => id);
}

/** The versions whose images a pair compares. */
function* versionsOf(tx: Transaction, pairId: string): Steps<Versions> {
  const { one: a, other: b } = (yield* one(
    tx
      .select({ one: first.policyId, other: second.policyId })
      .from(pairs)
      .innerJoin(first, eq(first.id, pairs.sampleAId))
      .innerJoin(second, eq(second.id, pairs.sampleBId))
      .where(eq(pairs.id, pairId)),
  ))!;
  return [a, b];
}

/**
 * Within the decision that completes a pair of two versions' images, or takes an answer to one
 * back: ends their comparison if it is to end when one is better beyond chance, and one is; asks on
 * where that is so no more.
 */
export function* lookWhetherSure(tx: Transaction, pairId: string, now: number): Steps<void> {
  yield* lookAt(tx, yield* versionsOf(tx, pairId), now);
}

function* lookAt(tx: Transaction, versions: Versions, now: number): Steps<void> {
  const asked = yield* one(tx.select().from(comparisons).where(isOf(versions)));
  if (!asked?.untilSure || asked.ended === 'stopped') return;
  const sure = yield* isSure(tx, versions);
  if (sure && asked.ended === null) yield* endComparison(tx, versions, 'sure', now);
  if (!sure && asked.ended === 'sure') {
    for (const id of yield* pairsIn(tx, versions, 'withdrawn')) {
      yield* change(tx.update(pairs).set({ state: stateNow }).where(eq(pairs.id, id)));
    }
    yield* change(tx.update(comparisons).set({ ended: null, endedAt: null }).where(isOf(versions)));
  }
}

/**
 * Each pair counts once, for the version that most of its people prefer, so that people who agree
 * are not taken for more pairs; answers that are held back, and pairs without a winner, count for
 * neither.
 */
function* isSure(tx: Transaction, versions: Versions): Steps<boolean> {
  const picked = yield* all(
    tx
      .select({ pairId: pairs.id, version: samples.policyId })
      .from(pairs)
      .innerJoin(first, eq(first.id, pairs.sampleAId))
      .innerJoin(second, eq(second.id, pairs.sampleBId))
      .innerJoin(preferences, eq(preferences.pairId, pairs.id))
      .innerJoin(user, eq(user.id, preferences.annotatorId))
      .innerJoin(
        samples,
        eq(
          samples.id,
          sql`case ${preferences.answer} when 'left' then ${preferences.leftSampleId}
            when 'right' then ${preferences.rightSampleId} end`,
        ),
      )
      .where(
        and(
          isComparison,
          eq(pairs.state, 'complete'),
          isBetween(versions),
          isNull(preferences.supersededAt),
          isNull(user.pausedAt),
        ),
      ),
  );
  const leads = new Map<string, number>();
  for (const { pairId, version } of picked) {
    leads.set(pairId, (leads.get(pairId) ?? 0) + (version === versions[0] ? 1 : -1));
  }
  const won = [...leads.values()];
  const wins = won.filter((lead) => lead > 0).length;
  return isBeyondChance(wins, won.filter((lead) => lead < 0).length);
}

/**
 * Within the decision that pauses or resumes a person: what their answers fill in comparisons, and
 * what these come to. One that has ended asks nobody anew.
 */
export function* recountComparisons(
  tx: Transaction,
  annotatorId: string,
  now: number,
): Steps<void> {
  const answered = yield* all(
    tx
      .select({ id: preferences.pairId })
      .from(preferences)
      .where(
        and(
          sql`${preferences.purpose} = 'evaluation'`,
          eq(preferences.annotatorId, annotatorId),
          isNull(preferences.supersededAt),
        ),
      ),
  );
  const compared = new Map<string, Versions>();
  for (const { id } of answered) {
    yield* change(
      tx
        .update(pairs)
        .set({ state: stateNow })
        .where(and(eq(pairs.id, id), ne(pairs.state, 'withdrawn'))),
    );
    const versions = yield* versionsOf(tx, id);
    compared.set(ordered(versions).join(), versions);
  }
  for (const versions of compared.values()) {
    yield* lookAt(tx, versions, now);
    const asked = yield* one(tx.select().from(comparisons).where(isOf(versions)));
    if (asked?.ended) yield* endComparison(tx, versions, asked.ended, now);
  }
}
