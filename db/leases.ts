import { and, asc, count, desc, eq, gt, inArray, isNull, min, or, sql } from 'drizzle-orm';
import { acceptsPreferences, roundStates } from '@/lib/rounds';
import { newId } from './ids';
import { type LeasedPair, leasedPairIn } from './leased-pair';
import type { Round } from './round-decisions';
import type { Pair } from './samples';
import { leases, pairs, preferences, skips } from './schema/labels';
import { user } from './schema/people';
import { rounds, runs } from './schema/rounds';
import { immediate, type Transaction } from './transaction';

export type { LeasedPair } from './leased-pair';

/** Pairs to judge, or why there are none. Durations in ms and s; null: not known. */
export type LeaseResult =
  | { state: 'pairs'; pairs: LeasedPair[] }
  /** Everything this person could judge is judged; others may still be at it. */
  | { state: 'done' }
  /** Others hold what is left; one of their leases ends in `retryAfterMs`. */
  | { state: 'all-leased'; retryAfterMs: number }
  /** The first pairs of a round are being drawn. */
  | { state: 'sampling'; etaSeconds: number | null }
  /** The trainer is at work; an online run draws new pairs afterwards. */
  | { state: 'training'; etaSeconds: number | null }
  | { state: 'no-round' }
  /** This person has been paused. */
  | { state: 'paused' };

const labelingStates = roundStates.filter(acceptsPreferences);

/** Rounds that nobody has paused, in runs that go on. */
const roundIsOpen = and(eq(rounds.paused, false), eq(runs.status, 'active'));

/** Training and gold while the round is labeled; evaluation once there is a policy to evaluate. */
const pairIsServed = or(
  and(inArray(pairs.purpose, ['training', 'gold']), inArray(rounds.state, labelingStates)),
  and(eq(pairs.purpose, 'evaluation'), inArray(rounds.state, ['evaluating', 'done'])),
);

function notYetJudgedBy(annotatorId: string) {
  return and(
    sql`not exists (select 1 from ${preferences} where ${preferences.pairId} = ${pairs.id}
      and ${preferences.annotatorId} = ${annotatorId} and ${preferences.supersededAt} is null)`,
    sql`not exists (select 1 from ${skips} where ${skips.pairId} = ${pairs.id}
      and ${skips.annotatorId} = ${annotatorId})`,
  );
}

/** Standing answers plus live leases of a pair: what its target limits. */
function taken(now: number) {
  return sql<number>`(select count(*) from ${preferences} where ${preferences.pairId} = ${pairs.id}
      and ${preferences.supersededAt} is null)
    + (select count(*) from ${leases} where ${leases.pairId} = ${pairs.id}
      and ${leases.releasedAt} is null and ${leases.expiresAt} > ${now})`;
}

function ownLiveLeases(tx: Transaction, annotatorId: string, now: number) {
  return tx
    .select({ id: leases.id, servedAt: leases.servedAt })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .innerJoin(rounds, eq(rounds.id, pairs.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        eq(leases.annotatorId, annotatorId),
        isNull(leases.releasedAt),
        gt(leases.expiresAt, now),
        eq(pairs.state, 'open'),
        roundIsOpen,
        pairIsServed,
      ),
    )
    .orderBy(asc(leases.servedAt))
    .all();
}

/** The next pair for a person: most urgent first, at random among equals. */
function pickPair(
  tx: Transaction,
  annotatorId: string,
  now: number,
  gold: { roundId: string } | null,
): { pair: Pair; round: Round } | undefined {
  const row = tx
    .select()
    .from(pairs)
    .innerJoin(rounds, eq(rounds.id, pairs.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        eq(pairs.state, 'open'),
        gold
          ? and(eq(pairs.roundId, gold.roundId), eq(pairs.purpose, 'gold'))
          : inArray(pairs.purpose, ['training', 'evaluation']),
        roundIsOpen,
        pairIsServed,
        notYetJudgedBy(annotatorId),
        sql`not exists (select 1 from ${leases} where ${leases.pairId} = ${pairs.id}
          and ${leases.annotatorId} = ${annotatorId} and ${leases.releasedAt} is null
          and ${leases.expiresAt} > ${now})`,
        sql`${taken(now)} < ${pairs.target}`,
      ),
    )
    .orderBy(desc(pairs.priority), sql`random()`)
    .limit(1)
    .get();
  return row && { pair: row.pairs, round: row.rounds };
}

/**
 * Draws the sides: by coin, unless one order is already two ahead for this person. So each order is
 * seen equally often, and no rhythm tells which side is which.
 */
function drawSides(
  tx: Transaction,
  pair: Pair,
  annotatorId: string,
  random: () => number,
): { leftSampleId: string; rightSampleId: string } {
  const seen = tx
    .select({
      aLeft: sql<number>`coalesce(sum(${leases.leftSampleId} = ${pairs.sampleAId}), 0)`,
      all: count(),
    })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .where(eq(leases.annotatorId, annotatorId))
    .get()!;
  const lead = 2 * seen.aLeft - seen.all;
  const aLeft = lead >= 2 ? false : lead <= -2 ? true : random() < 0.5;
  return aLeft
    ? { leftSampleId: pair.sampleAId, rightSampleId: pair.sampleBId }
    : { leftSampleId: pair.sampleBId, rightSampleId: pair.sampleAId };
}

/** Grants a lease. Someone who let one lapse gets the same one again, with the same sides. */
function grant(
  tx: Transaction,
  pair: Pair,
  annotatorId: string,
  times: { servedAt: number; expiresAt: number },
  random: () => number,
): string {
  const lapsed = tx
    .select()
    .from(leases)
    .where(and(eq(leases.pairId, pair.id), eq(leases.annotatorId, annotatorId)))
    .get();
  const granted = { ...times, releasedAt: null };
  if (lapsed) {
    tx.update(leases).set(granted).where(eq(leases.id, lapsed.id)).run();
    return lapsed.id;
  }
  const id = newId();
  const sides = drawSides(tx, pair, annotatorId, random);
  tx.insert(leases)
    .values({ id, pairId: pair.id, annotatorId, ...sides, ...granted })
    .run();
  return id;
}

/** Why there is nothing to lease for this person. */
function explainNothing(tx: Transaction, annotatorId: string, now: number): LeaseResult {
  const open = tx
    .select({ round: rounds })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(and(roundIsOpen, inArray(rounds.state, [...labelingStates, 'training', 'evaluating'])))
    .orderBy(desc(rounds.createdAt))
    .all()
    .map(({ round }) => round);
  const heldByOthers = tx
    .select({ firstEnds: min(leases.expiresAt) })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .innerJoin(rounds, eq(rounds.id, pairs.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        eq(pairs.state, 'open'),
        roundIsOpen,
        pairIsServed,
        notYetJudgedBy(annotatorId),
        sql`${leases.annotatorId} <> ${annotatorId}`,
        isNull(leases.releasedAt),
        gt(leases.expiresAt, now),
      ),
    )
    .get();
  if (heldByOthers?.firstEnds) {
    return { state: 'all-leased', retryAfterMs: heldByOthers.firstEnds - now };
  }
  const sampling = open.find((round) => round.state === 'sampling');
  if (sampling) return { state: 'sampling', etaSeconds: sampling.progress.etaSeconds };
  if (open.some((round) => round.state === 'labeling')) return { state: 'done' };
  const busy = open.find((round) => round.state === 'training' || round.state === 'evaluating');
  if (busy) return { state: 'training', etaSeconds: busy.progress.etaSeconds };
  return { state: 'no-round' };
}

/**
 * Leases up to `count` pairs to a person, in one immediate transaction: first their own live leases
 * that the client does not hold (a reload gets the same pairs, order and sides back), then new ones.
 * Of a pair, standing answers and live leases together never exceed its target. `leaseSeconds`
 * defaults to the round's setting. `random` draws the sides and the gold; numbers in [0, 1).
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
  return immediate((tx) => {
    const person = tx.select().from(user).where(eq(user.id, annotatorId)).get();
    if (person && person.pausedAt !== null) return { state: 'paused' };
    const own = ownLiveLeases(tx, annotatorId, now);
    const granted = own
      .map(({ id }) => id)
      .filter((id) => !holding.includes(id))
      .slice(0, wanted);
    // One instant each, so that the order in which pairs were served can be told for ever.
    let servedAt = Math.max(now, (own.at(-1)?.servedAt ?? 0) + 1);
    while (granted.length < wanted) {
      const next = pickPair(tx, annotatorId, now, null);
      if (!next) break;
      const { leaseSeconds: roundLease, goldShare } = next.round.config.labeling;
      const gold =
        random() < goldShare
          ? pickPair(tx, annotatorId, now, { roundId: next.round.id })
          : undefined;
      const expiresAt = now + (leaseSeconds ?? roundLease) * 1000;
      granted.push(
        grant(tx, (gold ?? next).pair, annotatorId, { servedAt: servedAt++, expiresAt }, random),
      );
    }
    if (granted.length === 0) return explainNothing(tx, annotatorId, now);
    return { state: 'pairs', pairs: granted.map((id) => leasedPairIn(tx, id)) };
  });
}

/**
 * Holds leases longer. One that has lapsed is given again if its pair still has room; the others come
 * back as `lost`, and the client drops those pairs.
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
  return immediate((tx) => {
    const renewed: { leaseId: string; expiresAt: number }[] = [];
    for (const leaseId of leaseIds) {
      const row = tx
        .select({ round: rounds, lease: leases, taken: taken(now), target: pairs.target })
        .from(leases)
        .innerJoin(pairs, eq(pairs.id, leases.pairId))
        .innerJoin(rounds, eq(rounds.id, pairs.roundId))
        .where(
          and(
            eq(leases.id, leaseId),
            eq(leases.annotatorId, annotatorId),
            isNull(leases.releasedAt),
            eq(pairs.state, 'open'),
          ),
        )
        .get();
      if (!row) continue;
      if (row.lease.expiresAt <= now && row.taken >= row.target) continue;
      const expiresAt = now + (leaseSeconds ?? row.round.config.labeling.leaseSeconds) * 1000;
      tx.update(leases).set({ expiresAt }).where(eq(leases.id, leaseId)).run();
      renewed.push({ leaseId, expiresAt });
    }
    const kept = renewed.map(({ leaseId }) => leaseId);
    return { renewed, lost: leaseIds.filter((id) => !kept.includes(id)) };
  });
}

/** Gives pairs back that will not be judged now; they may be leased again, also by the same person. */
export async function releaseLeases({
  annotatorId,
  leaseIds,
  now = Date.now(),
}: {
  annotatorId: string;
  leaseIds: readonly string[];
  now?: number;
}): Promise<void> {
  if (leaseIds.length === 0) return;
  await immediate((tx) =>
    tx
      .update(leases)
      .set({ releasedAt: now })
      .where(
        and(
          eq(leases.annotatorId, annotatorId),
          inArray(leases.id, [...leaseIds]),
          isNull(leases.releasedAt),
        ),
      )
      .run(),
  );
}
