/**
 * @file Versions held against each other by people: which of two images of one evaluation prompt
 * and seed is better, each drawn by another version. Nothing is trained on these answers.
 */
import { and, asc, count, desc, eq, isNull, ne, notExists, or, type SQL, sql } from 'drizzle-orm';
import type { ComparisonEnd } from '@/lib/comparisons';
import { AppError } from '@/lib/errors';
import type { Comparison } from '@/lib/statistics/ratings';
import { isBeyondChance } from '@/lib/statistics/sequential';
import { recordAudit } from '../audit';
import { db } from '../client';
import { alias, countIf } from '../dialect';
import { derivedId } from '../ids';
import { comparisons } from '../schema/comparisons';
import { leases, pairs, preferences, samples } from '../schema/labels';
import { user } from '../schema/people';
import { policies } from '../schema/policies';
import { evaluations } from '../schema/rounds';
import { all, change, immediate, one, type Steps, type Transaction } from '../transaction';
import { drawingOf } from './drawings';
import { type Policy, policyIn } from './policies';

const first = alias(samples, 'first_sample');
const second = alias(samples, 'second_sample');

type Version = Pick<Policy, 'id' | 'name' | 'parentId' | 'pipeline'>;

/** Ids of two policies. */
export type Versions = readonly [string, string];

/** Literals, so that partial indexes serve. */
const isComparison = sql`${pairs.purpose} = 'evaluation'`;
const isOpen = sql`${pairs.state} = 'open'`;

/** In statements that join both images of a pair. */
function isBetween([one, other]: Versions): SQL | undefined {
  return or(
    and(eq(first.policyId, one), eq(second.policyId, other)),
    and(eq(first.policyId, other), eq(second.policyId, one)),
  );
}

/** What people have said of a pipeline's versions beside each other, and nobody holds back. */
export async function comparisonsOf(pipeline: string): Promise<Comparison[]> {
  const left = alias(samples, 'left_sample');
  const right = alias(samples, 'right_sample');
  const said = db()
    .select({
      left: left.policyId,
      right: right.policyId,
      answer: preferences.answer,
      cluster: preferences.pairId,
    })
    .from(preferences)
    .innerJoin(left, eq(left.id, preferences.leftSampleId))
    .innerJoin(right, eq(right.id, preferences.rightSampleId))
    .innerJoin(policies, eq(policies.id, left.policyId))
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(
      and(
        sql`${preferences.purpose} = 'evaluation'`,
        isNull(preferences.supersededAt),
        isNull(user.pausedAt),
        eq(policies.pipeline, pipeline),
        ne(left.policyId, right.policyId),
      ),
    )
    .all();
  return said.map(({ answer, ...rest }) => ({
    ...rest,
    answer: answer === 'both-bad' ? 'tie' : answer,
  }));
}

interface AskedComparison {
  versions: Versions;
  /** Pairs that wait, of all that were asked about and not withdrawn. */
  open: number;
  asked: number;
  /** Whether it ends as soon as one version is better beyond chance, and whether it has. */
  untilSure: boolean;
  ended: ComparisonEnd | null;
}

/** Versions that people are or were asked about, the newest question first. */
export async function askedComparisons(pipeline: string): Promise<AskedComparison[]> {
  const rows = db()
    .select()
    .from(comparisons)
    .where(eq(comparisons.pipeline, pipeline))
    .orderBy(desc(comparisons.createdAt), desc(comparisons.id))
    .all();
  const counted = db()
    .select({
      one: first.policyId,
      other: second.policyId,
      open: countIf(isOpen),
      asked: count(),
    })
    .from(pairs)
    .innerJoin(first, eq(first.id, pairs.sampleAId))
    .innerJoin(second, eq(second.id, pairs.sampleBId))
    .innerJoin(policies, eq(policies.id, first.policyId))
    .where(and(isComparison, ne(pairs.state, 'withdrawn'), eq(policies.pipeline, pipeline)))
    .groupBy(first.policyId, second.policyId)
    .all();
  return rows.map(({ oneId, otherId, untilSure, ended }) => {
    const own = counted.filter(({ one, other }) => isSame([one, other], [oneId, otherId]));
    const sum = (of: 'open' | 'asked') => own.reduce((total, row) => total + row[of], 0);
    return {
      versions: [oneId, otherId],
      open: sum('open'),
      asked: sum('asked'),
      untilSure,
      ended,
    };
  });
}

function isSame(some: Versions, others: Versions): boolean {
  return ordered(some).join() === ordered(others).join();
}

/** Whoever asks names them in either order; a comparison has one. */
function ordered([one, other]: Versions): Versions {
  return one < other ? [one, other] : [other, one];
}

/** Versions that have drawn evaluation images so, a key of lib/drawings.ts. */
export async function versionsDrawn(pipeline: string, drawing: string): Promise<string[]> {
  const found = db()
    .selectDistinct({
      id: evaluations.policyId,
      parentId: policies.parentId,
      drawing: evaluations.drawing,
    })
    .from(evaluations)
    .innerJoin(policies, eq(policies.id, evaluations.policyId))
    .where(eq(policies.pipeline, pipeline))
    .all();
  return [
    ...new Set(
      found.flatMap(({ drawing: own, ...policy }) =>
        own === drawingOf(policy, drawing) ? [policy.id] : [],
      ),
    ),
  ];
}

/** Images of both versions on one prompt and seed, drawn alike, that nobody was asked about yet. */
function* unasked(
  tx: Transaction,
  [one, other]: readonly [Version, Version],
  { drawing, most }: { drawing: string; most: number },
) {
  const drawn = (image: typeof first | typeof second, policy: Version) =>
    and(
      eq(image.policyId, policy.id),
      eq(image.purpose, 'evaluation'),
      eq(image.drawing, drawingOf(policy, drawing)),
    );
  return yield* all(
    tx
      .select({
        prompt: first.prompt,
        firstId: first.id,
        secondId: second.id,
        roundOfFirst: first.roundId,
        roundOfSecond: second.roundId,
      })
      .from(first)
      .innerJoin(
        second,
        and(
          eq(second.prompt, first.prompt),
          eq(second.seed, first.seed),
          eq(second.noiseSeed, first.noiseSeed),
        ),
      )
      .where(
        and(
          drawn(first, one),
          drawn(second, other),
          notExists(
            tx
              .select({ id: pairs.id })
              .from(pairs)
              .where(
                and(
                  isComparison,
                  ne(pairs.state, 'withdrawn'),
                  or(
                    and(eq(pairs.sampleAId, first.id), eq(pairs.sampleBId, second.id)),
                    and(eq(pairs.sampleAId, second.id), eq(pairs.sampleBId, first.id)),
                  ),
                ),
              ),
          ),
        ),
      )
      .orderBy(asc(first.seed), asc(first.prompt))
      .limit(most),
  );
}

function* bothIn(tx: Transaction, versions: Versions): Steps<readonly [Policy, Policy]> {
  const both = [yield* policyIn(tx, versions[0]), yield* policyIn(tx, versions[1])] as const;
  if (versions[0] === versions[1]) {
    throw new AppError(
      'bad-request',
      `${both[0].name} cannot be compared with itself. Choose two.`,
    );
  }
  if (both[0].pipeline === both[1].pipeline) return both;
  throw new AppError(
    'bad-request',
    `${both[0].name} and ${both[1].name} are of different pipelines. Choose two versions of one.`,
  );
}

/**
 * Asks people which of two versions is better: up to `most` pairs of images that both drew alike
 * from one prompt and seed, in the order of the seeds, of those that were not asked about yet.
 * Returns how many. Throws 'not-found', 'bad-request', and 'conflict' where no such pair is left.
 * @param drawing how the images were drawn, a key of lib/drawings.ts
 * @param people how many are to answer each pair
 * @param untilSure asks no more as soon as one version is better beyond chance (`endIfSure`)
 */
export async function askWhichIsBetter({
  versions,
  drawing,
  most,
  people,
  untilSure = false,
  askedBy,
  now = Date.now(),
}: {
  versions: Versions;
  drawing: string;
  most: number;
  people: number;
  untilSure?: boolean;
  askedBy: string | null;
  now?: number;
}): Promise<number> {
  return immediate(function* (tx) {
    const both = yield* bothIn(tx, versions);
    const found = yield* unasked(tx, both, { drawing, most });
    const asked = found.flatMap(({ roundOfFirst, roundOfSecond, ...pair }) => {
      const roundId = roundOfSecond ?? roundOfFirst;
      return roundId === null ? [] : [{ ...pair, roundId }];
    });
    if (asked.length === 0) {
      throw new AppError(
        'conflict',
        `${both[0].name} and ${both[1].name} have no images of one prompt and seed left, drawn alike, of which nobody was asked. A round that starts from one of them and evaluates draws more.`,
      );
    }
    const [oneId, otherId] = ordered(versions);
    const asking = { untilSure, ended: null, endedAt: null, askedBy, createdAt: now };
    yield* change(
      tx
        .insert(comparisons)
        .values({
          id: derivedId('comparison', oneId, otherId),
          pipeline: both[0].pipeline,
          oneId,
          otherId,
          ...asking,
        })
        .onConflictDoUpdate({ target: comparisons.id, set: asking }),
    );
    for (const { firstId, secondId, roundId, prompt } of asked) {
      const pair = {
        id: derivedId('comparison', ...[firstId, secondId].sort()),
        roundId,
        prompt,
        sampleAId: firstId,
        sampleBId: secondId,
        sharedNoise: true,
        purpose: 'evaluation' as const,
        target: people,
        createdAt: now,
      };
      // One that was withdrawn is asked again.
      yield* change(
        tx
          .insert(pairs)
          .values(pair)
          .onConflictDoUpdate({ target: pairs.id, set: { state: 'open', target: people } }),
      );
    }
    yield* recordAudit(
      tx,
      {
        actorId: askedBy,
        action: 'comparison.ask',
        subject: versions[0],
        detail: { other: versions[1], pairs: asked.length, people, drawing, untilSure },
      },
      now,
    );
    return asked.length;
  });
}

/**
 * Stops asking which of two versions is better: what is answered stays and counts. Returns how many
 * pairs were withdrawn. Throws 'not-found' and 'bad-request'.
 */
export async function stopAsking(
  versions: Versions,
  stoppedBy: string | null,
  now = Date.now(),
): Promise<number> {
  return immediate(function* (tx) {
    yield* bothIn(tx, versions);
    const withdrawn = yield* endComparison(tx, versions, 'stopped', now);
    const detail = { other: versions[1], pairs: withdrawn };
    yield* recordAudit(
      tx,
      { actorId: stoppedBy, action: 'comparison.stop', subject: versions[0], detail },
      now,
    );
    return withdrawn;
  });
}

/** Asks no more: open pairs are withdrawn, also those in somebody's hand. Returns how many. */
function* endComparison(
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

function isOf(versions: Versions): SQL {
  return eq(comparisons.id, derivedId('comparison', ...ordered(versions)));
}

/**
 * Within the decision that completes a pair of two versions' images: ends their comparison if it is
 * to end when one is better beyond chance, and one is. Each pair counts once, for the version that
 * most of its people prefer, so that people who agree are not taken for more pairs; answers that are
 * held back, and pairs without a winner, count for neither.
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
