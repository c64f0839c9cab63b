import { and, asc, desc, eq, gt, inArray, isNull, min, ne, type SQL, sql } from 'drizzle-orm';
import { acceptsPreferences, roundStates } from '@/lib/rounds';
import { placeOf } from '../dialect';
import { newId } from '../ids';
import { groupLeases } from '../schema/group-leases';
import { type Group, groups, samples, taggings } from '../schema/labels';
import { user } from '../schema/people';
import { type Round, rounds, runs } from '../schema/rounds';
import { all, change, immediate, one, type Steps, type Transaction } from '../transaction';
import { liveLeasesOf, readingsOf, readingsWanted, skipsOf } from './group-answers';
import { type LeasedGroup, leasedGroupIn } from './leased-group';
import { labelingStates, roundIsOpen } from './open-rounds';

/** Groups to tag, or why there are none. Durations in ms. */
export type GroupLeaseResult =
  | { state: 'groups'; groups: LeasedGroup[] }
  /** Others hold what is left; one of their leases ends in `retryAfterMs`. */
  | { state: 'all-leased'; retryAfterMs: number }
  /** No group waits for this person. */
  | { state: 'none' }
  /** This person has been paused. */
  | { state: 'paused' };

/**
 * Groups that one person holds at once: those on the page and those whose readings are on their
 * way.
 */
const heldMax = 4;

/** How soon somebody who holds so many asks again, ms: by then a reading has arrived. */
const heldRetryMs = 1_000;

/** Rounds that take answers and that nobody has paused, in runs that go on. */
const roundIsLabeled = and(inArray(rounds.state, labelingStates), roundIsOpen);

/** Groups of which all images are drawn. */
const allDrawn = sql`(select count(*) from ${samples} where ${samples.groupId} = ${groups.id}) >= ${groups.size}`;

/** Also a reading that is held back is a reading: nobody is asked twice. */
function notYetReadBy(annotatorId: string) {
  return and(
    sql`not exists (select 1 from ${taggings} where ${taggings.groupId} = ${groups.id}
      and ${taggings.annotatorId} = ${annotatorId} and ${taggings.supersededAt} is null)`,
    sql`${skipsOf(annotatorId)} = 0`,
  );
}

function* ownLiveLeases(tx: Transaction, annotatorId: string, now: number) {
  return yield* all(
    tx
      .select({ id: groupLeases.id, servedAt: groupLeases.servedAt })
      .from(groupLeases)
      .innerJoin(groups, eq(groups.id, groupLeases.groupId))
      .innerJoin(rounds, eq(rounds.id, groups.roundId))
      .innerJoin(runs, eq(runs.id, rounds.runId))
      .where(
        and(
          eq(groupLeases.annotatorId, annotatorId),
          isNull(groupLeases.releasedAt),
          gt(groupLeases.expiresAt, now),
          roundIsLabeled,
          sql`${readingsOf()} < ${readingsWanted}`,
        ),
      )
      .orderBy(asc(groupLeases.servedAt)),
  );
}

/** Rounds that serve groups, oldest first. */
function* openRounds(tx: Transaction): Steps<Round[]> {
  return (yield* all(
    tx
      .select({ round: rounds })
      .from(rounds)
      .innerJoin(runs, eq(runs.id, rounds.runId))
      .where(roundIsLabeled)
      .orderBy(asc(rounds.createdAt)),
  ))
    .map(({ round }) => round)
    .filter(({ config }) => config.sampling.pairSource === 'groups');
}

/**
 * A group for a person: the first that waits for them from a place drawn at random on, so that not
 * all begin with the same one. It is found without looking at all others.
 */
function* pickGroup(
  tx: Transaction,
  annotatorId: string,
  now: number,
  random: () => number,
): Steps<{ group: Group; round: Round } | undefined> {
  const place = placeOf(groups);
  for (const round of yield* openRounds(tx)) {
    const ofRound = eq(groups.roundId, round.id);
    const end = function* (last: typeof asc) {
      return (yield* one(
        tx.select({ place }).from(groups).where(ofRound).orderBy(last(place)).limit(1),
      ))?.place;
    };
    const [low, high] = [yield* end(asc), yield* end(desc)];
    if (low === undefined || high === undefined) continue;
    const start = low + Math.floor(random() * (high - low + 1));
    const firstWhere = (part: SQL) =>
      one(
        tx
          .select()
          .from(groups)
          .where(
            and(
              ofRound,
              part,
              allDrawn,
              notYetReadBy(annotatorId),
              sql`not exists (select 1 from ${groupLeases} where ${groupLeases.groupId} = ${groups.id}
              and ${groupLeases.annotatorId} = ${annotatorId} and ${groupLeases.releasedAt} is null
              and ${groupLeases.expiresAt} > ${now})`,
              sql`${readingsOf()} + ${liveLeasesOf(now)} < ${round.config.labeling.annotatorsPerPair}`,
            ),
          )
          .orderBy(asc(place))
          .limit(1),
      );
    const group =
      (yield* firstWhere(sql`${place} >= ${start}`)) ??
      (yield* firstWhere(sql`${place} < ${start}`));
    if (group) return { group, round };
  }
  return undefined;
}

/**
 * The images of a group in an order of chance (Fisher and Yates), so that no place tells which was
 * drawn first.
 */
function* drawOrder(tx: Transaction, groupId: string, random: () => number): Steps<string[]> {
  const order = (yield* all(
    tx
      .select({ id: samples.id })
      .from(samples)
      .where(eq(samples.groupId, groupId))
      .orderBy(asc(samples.id)),
  )).map(({ id }) => id);
  for (let last = order.length - 1; last > 0; last--) {
    const drawn = Math.floor(random() * (last + 1));
    [order[last], order[drawn]] = [order[drawn]!, order[last]!];
  }
  return order;
}

/** Grants a lease. Someone who let one lapse gets the same one again, with the same order. */
function* grant(
  tx: Transaction,
  groupId: string,
  annotatorId: string,
  times: { servedAt: number; expiresAt: number },
  random: () => number,
): Steps<string> {
  const granted = { ...times, releasedAt: null };
  const lapsed = yield* one(
    tx
      .update(groupLeases)
      .set(granted)
      .where(and(eq(groupLeases.groupId, groupId), eq(groupLeases.annotatorId, annotatorId)))
      .returning({ id: groupLeases.id }),
  );
  if (lapsed) return lapsed.id;
  const id = newId();
  const sampleIds = yield* drawOrder(tx, groupId, random);
  yield* change(tx.insert(groupLeases).values({ id, groupId, annotatorId, sampleIds, ...granted }));
  return id;
}

/**
 * When the first of others' leases on groups that this person could read ends, ms; null where there
 * is none.
 */
function* othersLeaseEnds(tx: Transaction, annotatorId: string, now: number): Steps<number | null> {
  const held = yield* one(
    tx
      .select({ firstEnds: min(groupLeases.expiresAt) })
      .from(groupLeases)
      .innerJoin(groups, eq(groups.id, groupLeases.groupId))
      .innerJoin(rounds, eq(rounds.id, groups.roundId))
      .innerJoin(runs, eq(runs.id, rounds.runId))
      .where(
        and(
          ne(groupLeases.annotatorId, annotatorId),
          isNull(groupLeases.releasedAt),
          gt(groupLeases.expiresAt, now),
          roundIsLabeled,
          notYetReadBy(annotatorId),
          sql`${readingsOf()} < ${readingsWanted}`,
        ),
      ),
  );
  return held?.firstEnds ?? null;
}

/**
 * Leases up to `count` groups to a person, in one immediate transaction: first their own live
 * leases that the client does not hold (a reload gets the same groups back, their images in the
 * same order), then new ones, at most four at once. Of a group, standing readings and live leases
 * together never exceed the annotators wanted. `leaseSeconds` defaults to the round's setting.
 * `random` draws the groups and the order of their images; numbers in [0, 1).
 */
export async function leaseGroups({
  annotatorId,
  count: wanted = 1,
  holding = [],
  leaseSeconds,
  now = Date.now(),
  random = Math.random,
}: {
  annotatorId: string;
  count?: number;
  holding?: readonly string[];
  leaseSeconds?: number;
  now?: number;
  random?: () => number;
}): Promise<GroupLeaseResult> {
  return immediate(function* (tx) {
    const person = yield* one(tx.select().from(user).where(eq(user.id, annotatorId)));
    if (person && person.pausedAt !== null) return { state: 'paused' };
    const own = yield* ownLiveLeases(tx, annotatorId, now);
    const granted = own
      .map(({ id }) => id)
      .filter((id) => !holding.includes(id))
      .slice(0, wanted);
    // One instant each, so that a reload gets them in the order in which they were served.
    let servedAt = Math.max(now, (own.at(-1)?.servedAt ?? 0) + 1);
    let held = own.length;
    while (granted.length < wanted && held < heldMax) {
      const next = yield* pickGroup(tx, annotatorId, now, random);
      if (!next) break;
      const expiresAt = now + (leaseSeconds ?? next.round.config.labeling.leaseSeconds) * 1000;
      granted.push(
        yield* grant(tx, next.group.id, annotatorId, { servedAt: servedAt++, expiresAt }, random),
      );
      held += 1;
    }
    if (granted.length > 0) {
      const leased: LeasedGroup[] = [];
      for (const id of granted) leased.push(yield* leasedGroupIn(tx, id));
      return { state: 'groups', groups: leased };
    }
    if (held >= heldMax && (yield* pickGroup(tx, annotatorId, now, random))) {
      return { state: 'all-leased', retryAfterMs: heldRetryMs };
    }
    const ends = yield* othersLeaseEnds(tx, annotatorId, now);
    return ends === null ? { state: 'none' } : { state: 'all-leased', retryAfterMs: ends - now };
  });
}

/**
 * Holds leases of groups longer. One that has lapsed is given again if its group still has room;
 * the others come back as `lost`, and the client drops those groups.
 */
export async function renewGroupLeases({
  annotatorId,
  leaseIds,
  leaseSeconds,
  now = Date.now(),
}: {
  annotatorId: string;
  leaseIds: readonly string[];
  leaseSeconds?: number;
  now?: number;
}): Promise<{ renewed: { leaseId: string; expiresAt: number }[]; lost: string[] }> {
  if (leaseIds.length === 0) return { renewed: [], lost: [] };
  return immediate(function* (tx) {
    const rows = yield* all(
      tx
        .select({ id: groupLeases.id, round: rounds })
        .from(groupLeases)
        .innerJoin(groups, eq(groups.id, groupLeases.groupId))
        .innerJoin(rounds, eq(rounds.id, groups.roundId))
        .where(
          and(
            inArray(groupLeases.id, [...leaseIds]),
            eq(groupLeases.annotatorId, annotatorId),
            isNull(groupLeases.releasedAt),
            inArray(rounds.state, roundStates.filter(acceptsPreferences)),
            sql`${readingsOf()} + ${liveLeasesOf(now, annotatorId)} < ${readingsWanted}`,
          ),
        ),
    );
    const renewed: { leaseId: string; expiresAt: number }[] = [];
    for (const { id, round } of rows) {
      const expiresAt = now + (leaseSeconds ?? round.config.labeling.leaseSeconds) * 1000;
      yield* change(tx.update(groupLeases).set({ expiresAt }).where(eq(groupLeases.id, id)));
      renewed.push({ leaseId: id, expiresAt });
    }
    const kept = renewed.map(({ leaseId }) => leaseId);
    return { renewed, lost: leaseIds.filter((id) => !kept.includes(id)) };
  });
}
