import { and, type Column, count, eq, gt, isNull, lte, type SQL, sql } from 'drizzle-orm';
import { areGroupsExhausted } from '../leases/group-answers';
import { groups, leases, pairs, preferences, skips, taggings } from '../schema/labels';
import { user } from '../schema/people';
import type { Round } from '../schema/rounds';
import { all, one, type Steps, type Transaction } from '../transaction';

/**
 * Of the standing answers to a round's training pairs (or taggings of its groups) that were given
 * when `given` says, without those of paused people: one value each, or one of all.
 */
function* ofAnswers(
  tx: Transaction,
  round: Round,
  value: (createdAt: Column) => SQL<number>,
  given: (createdAt: Column) => SQL | undefined,
): Steps<number[]> {
  const rows =
    round.config.sampling.pairSource === 'pairs'
      ? yield* all(
          tx
            .select({ value: value(preferences.createdAt) })
            .from(preferences)
            .innerJoin(pairs, eq(pairs.id, preferences.pairId))
            .innerJoin(user, eq(user.id, preferences.annotatorId))
            .where(
              and(
                isNull(user.pausedAt),
                eq(pairs.roundId, round.id),
                eq(pairs.purpose, 'training'),
                isNull(preferences.supersededAt),
                given(preferences.createdAt),
              ),
            ),
        )
      : yield* all(
          tx
            .select({ value: value(taggings.createdAt) })
            .from(taggings)
            .innerJoin(groups, eq(groups.id, taggings.groupId))
            .innerJoin(user, eq(user.id, taggings.annotatorId))
            .where(
              and(
                isNull(user.pausedAt),
                eq(groups.roundId, round.id),
                isNull(taggings.supersededAt),
                given(taggings.createdAt),
              ),
            ),
        );
  return rows.map((row) => row.value);
}

/**
 * How many answers to a round count: all that stand, or those given up to `until`, ms. Nobody's own
 * clock says what stands: whoever waited for the lock has read an older time than who went before.
 */
export function* countAnswers(tx: Transaction, round: Round, until?: number): Steps<number> {
  const [counted] = yield* ofAnswers(
    tx,
    round,
    () => count(),
    (createdAt) => (until === undefined ? undefined : lte(createdAt, until)),
  );
  return counted ?? 0;
}

/** When the answers that count and came after `since` were given, ms, in order. */
export function* answersSince(tx: Transaction, round: Round, since: number): Steps<number[]> {
  const given = yield* ofAnswers(
    tx,
    round,
    (createdAt) => sql<number>`${createdAt}`,
    (createdAt) => gt(createdAt, since),
  );
  return given.sort((a, b) => a - b);
}

/**
 * Answers that stand against a training pair, and people who skipped it; not those who are paused.
 */
const answeredBy = (annotatorId?: string) => sql<number>`(select count(*) from ${preferences}
  inner join ${user} on ${user.id} = ${preferences.annotatorId}
  where ${preferences.pairId} = ${pairs.id} and ${preferences.supersededAt} is null
  and ${user.pausedAt} is null
  ${annotatorId === undefined ? sql`` : sql`and ${preferences.annotatorId} = ${annotatorId}`})`;
const skippedBy = (annotatorId?: string) => sql<number>`(select count(*) from ${skips}
  inner join ${user} on ${user.id} = ${skips.annotatorId}
  where ${skips.pairId} = ${pairs.id} and ${user.pausedAt} is null
  ${annotatorId === undefined ? sql`` : sql`and ${skips.annotatorId} = ${annotatorId}`})`;

/**
 * True when no more answers can come: every open pair has enough answers or skips, and every active
 * annotator who was ever served a pair of this round has dealt with all of them.
 * A round must not wait for ever because its one annotator skipped a pair; nor may it end because
 * the second has not come yet.
 */
export function* isExhausted(tx: Transaction, round: Round): Steps<boolean> {
  if (round.config.sampling.pairSource === 'groups') return yield* areGroupsExhausted(tx, round.id);
  const { annotatorsPerPair } = round.config.labeling;
  const isAnyOpen = function* (unjudged: SQL) {
    return (
      (yield* one(
        tx
          .select({ id: pairs.id })
          .from(pairs)
          .where(
            and(
              eq(pairs.roundId, round.id),
              eq(pairs.purpose, 'training'),
              sql`${pairs.state} = 'open'`,
              unjudged,
            ),
          )
          .limit(1),
      )) !== undefined
    );
  };
  if (yield* isAnyOpen(sql`${answeredBy()} + ${skippedBy()} < ${annotatorsPerPair}`)) return false;
  const participants = yield* all(
    tx
      .selectDistinct({ id: user.id })
      .from(leases)
      .innerJoin(pairs, eq(pairs.id, leases.pairId))
      .innerJoin(user, eq(user.id, leases.annotatorId))
      .where(and(eq(pairs.roundId, round.id), isNull(user.pausedAt))),
  );
  if (participants.length === 0) return false;
  for (const { id } of participants) {
    if (yield* isAnyOpen(sql`${answeredBy(id)} + ${skippedBy(id)} = 0`)) return false;
  }
  return true;
}
