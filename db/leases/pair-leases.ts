import { and, asc, desc, eq, gt, inArray, isNull, ne, sql } from 'drizzle-orm';
import { pairsInHand } from '@/lib/leases';
import { newId } from '../ids';
import { prepared } from '../prepared';
import { leases, pairs } from '../schema/labels';
import { user } from '../schema/people';
import { rounds, runs } from '../schema/rounds';
import { all, change, immediate, one, type Steps, type Transaction } from '../transaction';
import { type DrawnPair, drawn } from './drawn';
import { type LeasedPair, leasedPairIn } from './leased-pair';
import { nextPair, notYetJudged, taken } from './next-pair';
import { labelingOf, labelingStates, pairIsOpen, pairIsServed, roundIsOpen } from './open-rounds';
import { addToTally, ensureTallies, tallyOf } from './tallies';

export type { LeasedPair } from './leased-pair';

/** Pairs to judge, or why there are none. Durations in ms and s; null: not known. */
export type LeaseResult =
  | { state: 'pairs'; pairs: LeasedPair[] }
  /** Everything this person could judge is judged; others may still be at it. */
  | { state: 'done' }
  /** Others hold what is left; one of their leases ends in `retryAfterMs`. */
  | { state: 'all-leased'; retryAfterMs: number }
  /**
   * This person holds as many pairs as one may; the first of these leases ends in `retryAfterMs`.
   */
  | { state: 'hand-full'; retryAfterMs: number }
  /** The first pairs of a round are being drawn. */
  | { state: 'sampling'; etaSeconds: number | null }
  /** The trainer is at work; an online run draws new pairs afterwards. */
  | { state: 'training'; etaSeconds: number | null }
  | { state: 'no-round' }
  /** This person has been paused. */
  | { state: 'paused' };

const annotatorId = sql.placeholder('annotatorId');
const now = sql.placeholder('now');

const pausedAtOf = prepared((database) =>
  database.select({ pausedAt: user.pausedAt }).from(user).where(eq(user.id, annotatorId)).prepare(),
);

/** A person's live leases on pairs that are served. */
const liveOf = prepared((database) =>
  database
    .select({ id: leases.id, servedAt: leases.servedAt, expiresAt: leases.expiresAt })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .innerJoin(rounds, eq(rounds.id, pairs.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        eq(leases.annotatorId, annotatorId),
        isNull(leases.releasedAt),
        gt(leases.expiresAt, now),
        pairIsOpen,
        pairIsServed,
      ),
    )
    .prepare(),
);

/** A person's live leases, in the order in which they were served. Times in ms. */
export function* liveLeases(
  annotatorId: string,
  now: number,
): Steps<{ id: string; servedAt: number; expiresAt: number }[]> {
  return (yield* all(liveOf, { annotatorId, now })).sort((a, b) => a.servedAt - b.servedAt);
}

const leaseOn = prepared((database) =>
  database
    .select({ id: leases.id })
    .from(leases)
    .where(and(eq(leases.pairId, sql.placeholder('pairId')), eq(leases.annotatorId, annotatorId)))
    .prepare(),
);

const addLease = prepared((database) =>
  database
    .insert(leases)
    .values({
      id: sql.placeholder('id'),
      pairId: sql.placeholder('pairId'),
      annotatorId,
      leftSampleId: sql.placeholder('leftSampleId'),
      rightSampleId: sql.placeholder('rightSampleId'),
      servedAt: sql.placeholder('servedAt'),
      expiresAt: sql.placeholder('expiresAt'),
    })
    .prepare(),
);

/**
 * Draws the sides: by coin, unless one order is already two ahead for this person. So each order is
 * seen equally often, and no rhythm tells which side is which.
 */
function* drawALeft(annotatorId: string, random: () => number): Steps<boolean> {
  const { lead } = yield* tallyOf(annotatorId, null);
  return lead >= 2 ? false : lead <= -2 ? true : random() < 0.5;
}

/** Grants a lease. Someone who let one lapse gets the same one again, with the same sides. */
function* grant(
  tx: Transaction,
  pair: DrawnPair,
  annotatorId: string,
  times: { servedAt: number; expiresAt: number },
  random: () => number,
): Steps<string> {
  const lapsed = yield* one(leaseOn, { pairId: pair.id, annotatorId });
  if (lapsed) {
    yield* change(
      tx
        .update(leases)
        .set({ ...times, releasedAt: null })
        .where(eq(leases.id, lapsed.id)),
    );
    return lapsed.id;
  }
  const id = newId();
  const aLeft = yield* drawALeft(annotatorId, random);
  const [leftSampleId, rightSampleId] = aLeft
    ? [pair.sampleAId, pair.sampleBId]
    : [pair.sampleBId, pair.sampleAId];
  yield* change(addLease, {
    id,
    pairId: pair.id,
    annotatorId,
    leftSampleId,
    rightSampleId,
    ...times,
  });
  yield* addToTally(annotatorId, pair.roundId, { lead: aLeft ? 1 : -1 });
  return id;
}

/** The first lease of somebody else to end, of those on pairs that this person could judge. */
const firstOfOthers = prepared((database) =>
  database
    .select({ expiresAt: leases.expiresAt })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .innerJoin(rounds, eq(rounds.id, pairs.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        isNull(leases.releasedAt),
        gt(leases.expiresAt, now),
        ne(leases.annotatorId, annotatorId),
        pairIsOpen,
        pairIsServed,
        notYetJudged,
      ),
    )
    .orderBy(asc(leases.expiresAt))
    .limit(1)
    .prepare(),
);

/** Why there is nothing to lease for this person. */
function* explainNothing(tx: Transaction, annotatorId: string, now: number): Steps<LeaseResult> {
  const open = yield* all(
    tx
      .select({ state: rounds.state, progress: rounds.progress })
      .from(rounds)
      .innerJoin(runs, eq(runs.id, rounds.runId))
      .where(and(roundIsOpen, inArray(rounds.state, [...labelingStates, 'training', 'evaluating'])))
      .orderBy(desc(rounds.createdAt)),
  );
  const held = yield* one(firstOfOthers, { annotatorId, now });
  if (held) return { state: 'all-leased', retryAfterMs: held.expiresAt - now };
  const sampling = open.find((round) => round.state === 'sampling');
  if (sampling) return { state: 'sampling', etaSeconds: sampling.progress.etaSeconds };
  if (open.some((round) => round.state === 'labeling')) return { state: 'done' };
  const busy = open.find((round) => round.state === 'training' || round.state === 'evaluating');
  if (busy) return { state: 'training', etaSeconds: busy.progress.etaSeconds };
  return { state: 'no-round' };
}

/**
 * Leases up to `count` pairs to a person, in one immediate transaction: first their own live leases
 * that the client does not hold (a reload gets the same pairs, order and sides back), then new
 * ones. Of a pair, answers that count and live leases together never exceed its target; nobody has
 * more live leases at a time than a page has pairs in hand (or than `count`), whatever the client
 * says it holds. `leaseSeconds` defaults to the round's setting. `random` draws the sides and the
 * gold; numbers in [0, 1).
 */
export async function leasePairs({
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
}): Promise<LeaseResult> {
  return immediate(function* (tx) {
    const person = yield* one(pausedAtOf, { annotatorId });
    if (person && person.pausedAt !== null) return { state: 'paused' };
    const own = yield* liveLeases(annotatorId, now);
    const granted = own
      .map(({ id }) => id)
      .filter((id) => !holding.includes(id))
      .slice(0, wanted);
    const room = Math.max(wanted, pairsInHand) - own.length;
    const fresh = Math.min(wanted - granted.length, room);
    if (fresh > 0) yield* ensureTallies(annotatorId);
    // One instant each, so that the order in which pairs were served can be told for ever.
    const firstServedAt = Math.max(now, (own.at(-1)?.servedAt ?? 0) + 1);
    for (let i = 0; i < fresh; i++) {
      const next = yield* nextPair(annotatorId, now);
      if (!next) break;
      const { leaseSeconds: roundLease, goldShare } = yield* labelingOf(next.roundId);
      const gold =
        random() < goldShare
          ? yield* nextPair(annotatorId, now, { goldOf: next.roundId })
          : undefined;
      const expiresAt = now + (leaseSeconds ?? roundLease) * 1000;
      const times = { servedAt: firstServedAt + i, expiresAt };
      granted.push(yield* grant(tx, gold ?? next, annotatorId, times, random));
    }
    if (granted.length > 0) {
      const leased: LeasedPair[] = [];
      for (const id of granted) leased.push(yield* leasedPairIn(id));
      return { state: 'pairs', pairs: leased };
    }
    if (room > 0) return yield* explainNothing(tx, annotatorId, now);
    const firstEnd = Math.min(...own.map(({ expiresAt }) => expiresAt));
    return { state: 'hand-full', retryAfterMs: firstEnd - now };
  });
}

const ownLease = prepared((database) =>
  database
    .select({
      expiresAt: leases.expiresAt,
      roundId: pairs.roundId,
      taken,
      target: pairs.target,
    })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .where(
      and(
        eq(leases.id, sql.placeholder('leaseId')),
        eq(leases.annotatorId, annotatorId),
        isNull(leases.releasedAt),
        pairIsOpen,
      ),
    )
    .prepare(),
);

/**
 * Holds leases longer. One that has lapsed is given again if its pair still has room, and its
 * holder's hand, too; the others come back as `lost`, and the client drops those pairs.
 */
export async function renewLeases({
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
  return immediate(function* (tx) {
    const renewed: { leaseId: string; expiresAt: number }[] = [];
    let live = (yield* liveLeases(annotatorId, now)).length;
    for (const leaseId of new Set(leaseIds)) {
      const lease = yield* one(ownLease, { leaseId, annotatorId, now });
      if (!lease) continue;
      const lapsed = lease.expiresAt <= now;
      if (lapsed && (lease.taken >= lease.target || live >= pairsInHand)) continue;
      if (lapsed) live++;
      const expiresAt =
        now + (leaseSeconds ?? (yield* labelingOf(drawn(lease).roundId)).leaseSeconds) * 1000;
      yield* change(tx.update(leases).set({ expiresAt }).where(eq(leases.id, leaseId)));
      renewed.push({ leaseId, expiresAt });
    }
    const kept = renewed.map(({ leaseId }) => leaseId);
    return { renewed, lost: leaseIds.filter((id) => !kept.includes(id)) };
  });
}
