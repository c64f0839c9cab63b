/** @file What people are asked of versions, and what they have said. */
import { and, count, desc, eq, isNull, ne, sql } from 'drizzle-orm';
import type { ComparisonEnd } from '@/lib/answers';
import type { Comparison } from '@/lib/statistics/ratings';
import { db } from '../client';
import { alias, countIf } from '../dialect';
import { drawingOf } from '../policies/drawings';
import { comparisons } from '../schema/comparisons';
import { pairs, preferences, samples } from '../schema/labels';
import { user } from '../schema/people';
import { policies } from '../schema/policies';
import { evaluations } from '../schema/rounds';
import { first, isComparison, isOpen, ordered, second, type Versions } from './versions';

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
  const counts = new Map<string, { open: number; asked: number }>();
  for (const { one, other, open, asked } of counted) {
    const both = ordered([one, other]).join();
    const known = counts.get(both) ?? { open: 0, asked: 0 };
    counts.set(both, { open: known.open + open, asked: known.asked + asked });
  }
  return rows.map(({ oneId, otherId, untilSure, ended }) => ({
    versions: [oneId, otherId],
    ...(counts.get([oneId, otherId].join()) ?? { open: 0, asked: 0 }),
    untilSure,
    ended,
  }));
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
