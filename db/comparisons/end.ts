import { and, eq, isNull, sql } from 'drizzle-orm';
import type { ComparisonEnd } from '@/lib/answers';
import { isBeyondChance } from '@/lib/statistics/sequential';
import { comparisons } from '../schema/comparisons';
import { leases, pairs, preferences, samples } from '../schema/labels';
import { user } from '../schema/people';
import { all, change, one, type Steps, type Transaction } from '../transaction';
import { first, isBetween, isComparison, isOf, isOpen, second, type Versions } from './versions';

/** Asks no more: open pairs are withdrawn, also those in somebody's hand. Returns how many. */
export function* endComparison(
  tx: Transaction,
  versions: Versions,
  ended: ComparisonEnd,
  now: number,
): Steps<number> {
  const open = yield* all(
    tx
      .select({ id: pairs.id })
      .from(pairs)
      .innerJoin(first, eq(first.id, pairs.sampleAId))
      .innerJoin(second, eq(second.id, pairs.sampleBId))
      .where(and(isComparison, isOpen, isBetween(versions))),
  );
  for (const { id } of open) {
    yield* change(tx.update(pairs).set({ state: 'withdrawn' }).where(eq(pairs.id, id)));
    yield* change(
      tx
        .update(leases)
        .set({ releasedAt: now })
        .where(and(eq(leases.pairId, id), isNull(leases.releasedAt))),
    );
  }
  yield* change(tx.update(comparisons).set({ ended, endedAt: now }).where(isOf(versions)));
  return open.length;
}

/**
 * Within the decision that completes a pair of two versions' images: ends their comparison if it is
 * to end when one is better beyond chance, and one is. Each pair counts once, for the version that
 * most of its people prefer, so that people who agree are not taken for more pairs; answers that
 * are held back, and pairs without a winner, count for neither.
 */
export function* endIfSure(tx: Transaction, pairId: string, now: number): Steps<void> {
  const pair = yield* one(
    tx
      .select({ one: first.policyId, other: second.policyId })
      .from(pairs)
      .innerJoin(first, eq(first.id, pairs.sampleAId))
      .innerJoin(second, eq(second.id, pairs.sampleBId))
      .where(eq(pairs.id, pairId)),
  );
  if (!pair) return;
  const versions: Versions = [pair.one, pair.other];
  const asked = yield* one(tx.select().from(comparisons).where(isOf(versions)));
  if (!asked?.untilSure || asked.ended !== null) return;
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
  for (const { pairId: id, version } of picked) {
    leads.set(id, (leads.get(id) ?? 0) + (version === pair.one ? 1 : -1));
  }
  const won = [...leads.values()];
  const wins = won.filter((lead) => lead > 0).length;
  const losses = won.filter((lead) => lead < 0).length;
  if (isBeyondChance(wins, losses)) yield* endComparison(tx, versions, 'sure', now);
}
