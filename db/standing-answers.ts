/** @file What people have said and not taken back: answers to pairs and taggings of groups, and the training pairs they make. */
import { and, asc, eq, isNull, type SQL } from 'drizzle-orm';
import { preferredSample } from '@/lib/answers';
import {
  pairFromAnswers,
  pairsFromTags,
  votesFromTags,
  type WeightedPair,
  type Weighting,
} from '@/lib/pairing';
import type { Votes } from '@/lib/statistics/reliability';
import { groups, pairs, preferences, samples, taggings } from './schema/labels';
import { user } from './schema/people';
import type { Transaction } from './transaction';

export type FrozenPair = WeightedPair & {
  pairId: string | null;
  groupId: string | null;
  /** Who said so, and who the reverse. */
  votes: Votes;
};

/** Training pairs, and how many answers entered them. */
export interface Paired {
  frozen: FrozenPair[];
  used: number;
}

/** Standing answers to the training pairs that `which` selects, in a fixed order. */
export function standingAnswersIn(tx: Transaction, which: SQL) {
  return tx
    .select({ preference: preferences, pair: pairs, pausedAt: user.pausedAt })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(and(which, eq(pairs.purpose, 'training'), isNull(preferences.supersededAt)))
    .orderBy(asc(pairs.createdAt), asc(pairs.id), asc(preferences.id))
    .all();
}

/** Standing taggings of the groups that `which` selects, in a fixed order. */
export function standingTaggingsIn(tx: Transaction, which: SQL) {
  return tx
    .select({ tagging: taggings, roundId: groups.roundId, pausedAt: user.pausedAt })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .innerJoin(user, eq(user.id, taggings.annotatorId))
    .where(and(which, isNull(taggings.supersededAt)))
    .orderBy(asc(groups.createdAt), asc(groups.id), asc(taggings.id))
    .all();
}

export type StandingAnswer = ReturnType<typeof standingAnswersIn>[number];
export type StandingTagging = ReturnType<typeof standingTaggingsIn>[number];

/** Images of a group, in a fixed order. */
export function membersIn(tx: Transaction, groupId: string): string[] {
  return tx
    .select({ id: samples.id })
    .from(samples)
    .where(eq(samples.groupId, groupId))
    .orderBy(asc(samples.seed), asc(samples.id))
    .all()
    .map(({ id }) => id);
}

/** What an answer prefers; null for ties and both bad. */
export function preferredIn({ preference }: StandingAnswer): string | null {
  return preferredSample(preference.answer, preference);
}

/** One training pair from each pair whose annotators do not cancel each other out. */
export function pairsOfAnswers(answers: readonly StandingAnswer[], weighting: Weighting): Paired {
  const frozen: FrozenPair[] = [];
  let used = 0;
  for (const [pairId, rows] of groupBy(answers, (row) => row.pair.id)) {
    const preferred = rows.map(preferredIn);
    const weighted = pairFromAnswers(rows[0]!.pair, preferred, weighting);
    if (!weighted) continue;
    const whoPreferred = (id: string) =>
      rows.filter((_, i) => preferred[i] === id).map((row) => row.preference.annotatorId);
    const votes = {
      for: whoPreferred(weighted.winnerSampleId),
      against: whoPreferred(weighted.loserSampleId),
    };
    frozen.push({ ...weighted, pairId, groupId: null, votes });
    used += preferred.filter((id) => id !== null).length;
  }
  return { frozen, used };
}

/** The training pairs of tagged groups: an image beats those that more people tagged. */
export function pairsOfTaggings(
  tx: Transaction,
  taggedBy: readonly StandingTagging[],
  weighting: Weighting,
): Paired {
  const frozen: FrozenPair[] = [];
  let used = 0;
  for (const [groupId, rows] of groupBy(taggedBy, (row) => row.tagging.groupId)) {
    const tags = rows.map((row) => row.tagging.taggedSampleIds);
    const weighted = pairsFromTags(membersIn(tx, groupId), tags, weighting);
    if (weighted.length > 0) used += rows.length;
    const given = rows.map((row) => row.tagging);
    frozen.push(
      ...weighted.map((pair) => ({
        ...pair,
        pairId: null,
        groupId,
        votes: votesFromTags(pair, given),
      })),
    );
  }
  return { frozen, used };
}

/** Rows under their keys, both in the order in which they come. */
export function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const byKey = new Map<string, T[]>();
  for (const row of rows) {
    const known = byKey.get(keyOf(row));
    if (known) known.push(row);
    else byKey.set(keyOf(row), [row]);
  }
  return byKey;
}
