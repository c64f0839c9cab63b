/**
 * @file What stands against a group: readings, skips, live leases; and when waiting for more is in
 * vain.
 */
import { and, count, eq, gte, isNull, type SQL, sql } from 'drizzle-orm';
import { countIf, jsonNumber } from '../dialect';
import { prepared } from '../prepared';
import { groupLeases, groupSkips } from '../schema/group-leases';
import { groups, taggings } from '../schema/labels';
import { user } from '../schema/people';
import { rounds } from '../schema/rounds';
import { all, one, type Steps, type Transaction } from '../transaction';

/** How many people's reading a group wants. In statements that join its round. */
export const readingsWanted = jsonNumber(rounds.config, 'labeling', 'annotatorsPerPair');

const by = (column: SQL, annotatorId?: string) =>
  annotatorId === undefined ? sql`` : sql`and ${column} = ${annotatorId}`;

/**
 * Standing readings of a group, of one person when asked. Those of paused people are held back, so
 * they fill nothing.
 */
export function readingsOf(annotatorId?: string): SQL<number> {
  return sql<number>`(select count(*) from ${taggings}
    join ${user} on ${user.id} = ${taggings.annotatorId}
    where ${taggings.groupId} = ${groups.id} and ${taggings.supersededAt} is null
    and ${user.pausedAt} is null ${by(sql`${taggings.annotatorId}`, annotatorId)})`;
}

/** People who skipped a group, without those who are paused; 0 or 1 for one person. */
export function skipsOf(annotatorId?: string): SQL<number> {
  return sql<number>`(select count(*) from ${groupSkips}
    join ${user} on ${user.id} = ${groupSkips.annotatorId}
    where ${groupSkips.groupId} = ${groups.id} and ${user.pausedAt} is null
    ${by(sql`${groupSkips.annotatorId}`, annotatorId)})`;
}

/** Live leases of a group at `now`, ms; without those of `exceptOf`. */
export function liveLeasesOf(now: number, exceptOf?: string): SQL<number> {
  return sql<number>`(select count(*) from ${groupLeases}
    where ${groupLeases.groupId} = ${groups.id} and ${groupLeases.releasedAt} is null
    and ${groupLeases.expiresAt} > ${now}
    ${exceptOf === undefined ? sql`` : sql`and ${groupLeases.annotatorId} <> ${exceptOf}`})`;
}

/**
 * True when no more readings can come: every open group has enough taggings or skips, and every
 * active annotator who was ever served a group of this round has dealt with all of them.
 */
export function* areGroupsExhausted(tx: Transaction, roundId: string): Steps<boolean> {
  const participants = yield* all(
    tx
      .selectDistinct({ id: user.id })
      .from(groupLeases)
      .innerJoin(groups, eq(groups.id, groupLeases.groupId))
      .innerJoin(user, eq(user.id, groupLeases.annotatorId))
      .where(and(eq(groups.roundId, roundId), isNull(user.pausedAt))),
  );
  if (participants.length === 0) return false;
  const isAnyOpen = function* (unread: SQL) {
    return (
      (yield* one(
        tx
          .select({ id: groups.id })
          .from(groups)
          .innerJoin(rounds, eq(rounds.id, groups.roundId))
          .where(and(eq(groups.roundId, roundId), sql`${readingsOf()} < ${readingsWanted}`, unread))
          .limit(1),
      )) !== undefined
    );
  };
  if (yield* isAnyOpen(sql`${readingsOf()} + ${skipsOf()} < ${readingsWanted}`)) return false;
  for (const { id } of participants) {
    if (yield* isAnyOpen(sql`${readingsOf(id)} + ${skipsOf(id)} = 0`)) return false;
  }
  return true;
}

const readingsBy = prepared((database) =>
  database
    .select({
      total: count(),
      recent: countIf(gte(taggings.createdAt, sql.placeholder('since'))),
      round: countIf(eq(groups.roundId, sql.placeholder('roundId'))),
    })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .where(
      and(eq(taggings.annotatorId, sql.placeholder('annotatorId')), isNull(taggings.supersededAt)),
    )
    .prepare(),
);

/** One person's standing readings: all, since an instant (ms), and in a round. */
export function ownReadings(
  annotatorId: string,
  { since, roundId }: { since: number; roundId: string | null },
): { total: number; recent: number; round: number } {
  return readingsBy().get({ annotatorId, since, roundId: roundId ?? '' })!;
}
