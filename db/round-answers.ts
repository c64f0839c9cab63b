import { and, count, eq, isNull, lte, sql } from 'drizzle-orm';
import { groups, leases, pairs, preferences, skips, taggings } from './schema/labels';
import { user } from './schema/people';
import type { rounds } from './schema/rounds';
import type { Transaction } from './transaction';

type Round = typeof rounds.$inferSelect;

/** Standing answers to a round's training pairs (or taggings of its groups) given up to `until`, ms. */
export function countAnswers(tx: Transaction, round: Round, until: number): number {
  const row =
    round.config.sampling.pairSource === 'pairs'
      ? tx
          .select({ n: count() })
          .from(preferences)
          .innerJoin(pairs, eq(pairs.id, preferences.pairId))
          .where(
            and(
              eq(pairs.roundId, round.id),
              eq(pairs.purpose, 'training'),
              isNull(preferences.supersededAt),
              lte(preferences.createdAt, until),
            ),
          )
          .get()
      : tx
          .select({ n: count() })
          .from(taggings)
          .innerJoin(groups, eq(groups.id, taggings.groupId))
          .where(
            and(
              eq(groups.roundId, round.id),
              isNull(taggings.supersededAt),
              lte(taggings.createdAt, until),
            ),
          )
          .get();
  return row?.n ?? 0;
}

/**
 * Whether nobody who takes part has a training pair left to judge: every open one has been answered
 * or skipped by every unpaused person who was ever served a pair of this round. A round must not wait
 * for ever because its one annotator skipped a pair.
 */
export function isExhausted(tx: Transaction, round: Round): boolean {
  if (round.config.sampling.pairSource === 'groups') return false;
  const participants = tx
    .selectDistinct({ id: user.id })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .innerJoin(user, eq(user.id, leases.annotatorId))
    .where(and(eq(pairs.roundId, round.id), isNull(user.pausedAt)))
    .all();
  if (participants.length === 0) return false;
  return participants.every(({ id }) => {
    const left = tx
      .select({ id: pairs.id })
      .from(pairs)
      .where(
        and(
          eq(pairs.roundId, round.id),
          eq(pairs.purpose, 'training'),
          eq(pairs.state, 'open'),
          sql`not exists (select 1 from ${preferences} where ${preferences.pairId} = ${pairs.id}
            and ${preferences.annotatorId} = ${id} and ${preferences.supersededAt} is null)`,
          sql`not exists (select 1 from ${skips} where ${skips.pairId} = ${pairs.id}
            and ${skips.annotatorId} = ${id})`,
        ),
      )
      .limit(1)
      .get();
    return left === undefined;
  });
}
