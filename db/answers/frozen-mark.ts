/**
 * @file Whether what was read of people's answers, before the write lock was taken, still holds
 * under it. Answers that came meanwhile are too young to count, so what may differ is an answer
 * taken back just before its window closed, a person paused or back, and, where flags count, a flag
 * set, taken back or reviewed.
 */
import { and, asc, count, eq, gte, isNotNull, lte, max } from 'drizzle-orm';
import { countIf, placeOf } from '../dialect';
import { flags, preferences, taggings } from '../schema/labels';
import { user } from '../schema/people';
import { all, one, type Steps, type Transaction } from '../transaction';

/**
 * Whoever takes an answer back notes the time, then waits for the lock: longer than five seconds
 * nobody does.
 */
const lateMs = 60_000;

/** Equal as long as nothing has changed. Taken before the first read, and again under the lock. */
export type Mark = string;

/**
 * @param until answers and flags that count, ms; @param since when the first mark was taken, ms;
 * @param withFlags they count, too
 */
export function* markIn(
  tx: Transaction,
  { until, since, withFlags }: { until: number; since: number; withFlags: boolean },
): Steps<Mark> {
  const undone: unknown[] = [];
  for (const table of [preferences, taggings] as const) {
    const counted = yield* one(
      tx
        .select({ n: count() })
        .from(table)
        .where(and(gte(table.supersededAt, since - lateMs), lte(table.createdAt, until))),
    );
    undone.push(counted?.n);
  }
  const paused = yield* all(
    tx.select({ id: user.id }).from(user).where(isNotNull(user.pausedAt)).orderBy(asc(user.id)),
  );
  const flagged = withFlags
    ? yield* one(
        tx
          .select({
            n: count(),
            last: max(placeOf(flags)),
            rejected: countIf(eq(flags.state, 'rejected')),
            reviewed: max(flags.reviewedAt),
          })
          .from(flags)
          .where(and(eq(flags.source, 'annotator'), lte(flags.createdAt, until))),
      )
    : null;
  return JSON.stringify([undone, paused.map(({ id }) => id), flagged]);
}
