import type { Votes } from '../statistics/reliability';

/** Every unordered pair of a list, in the order of the list. */
export function allPairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((first, i) => items.slice(i + 1).map((second): [T, T] => [first, second]));
}

/** A winner and a loser of one prompt, and how much they count: in (0, 1]. */
export interface WeightedPair {
  winnerSampleId: string;
  loserSampleId: string;
  weight: number;
}

/** How several people's verdicts on one pair become a weight. */
export type Weighting = 'agreement' | 'majority';

/**
 * What the answers to one pair amount to. Each entry is the sample one person preferred, or null
 * for a tie or both bad. The winner is the majority's; its weight is the margin, (for − against) /
 * all, or 1 under 'majority'. Null when nobody wins: there is nothing to train on.
 */
export function pairFromAnswers(
  pair: { sampleAId: string; sampleBId: string },
  preferred: readonly (string | null)[],
  weighting: Weighting,
): WeightedPair | null {
  const forA = preferred.filter((id) => id === pair.sampleAId).length;
  const forB = preferred.filter((id) => id === pair.sampleBId).length;
  if (forA === forB) return null;
  const [winnerSampleId, loserSampleId] =
    forA > forB ? [pair.sampleAId, pair.sampleBId] : [pair.sampleBId, pair.sampleAId];
  const margin = Math.abs(forA - forB) / preferred.length;
  return { winnerSampleId, loserSampleId, weight: weighting === 'agreement' ? margin : 1 };
}

/**
 * The pairs a tagged group yields: an image beats every image that more people tagged as bad, with
 * the difference of the shares as its weight. With one person that is untagged beats tagged (the
 * hand experiment of arXiv 2311.13231); nothing is said within either set.
 */
export function pairsFromTags(
  sampleIds: readonly string[],
  taggings: readonly (readonly string[])[],
  weighting: Weighting,
): WeightedPair[] {
  if (taggings.length === 0) return [];
  const badness = new Map(
    sampleIds.map((id) => [id, taggings.filter((tagged) => tagged.includes(id)).length]),
  );
  return allPairs(sampleIds).flatMap(([first, second]) => {
    const difference = badness.get(second)! - badness.get(first)!;
    if (difference === 0) return [];
    const [winnerSampleId, loserSampleId] = difference > 0 ? [first, second] : [second, first];
    const margin = Math.abs(difference) / taggings.length;
    return [{ winnerSampleId, loserSampleId, weight: weighting === 'agreement' ? margin : 1 }];
  });
}

/**
 * Who of those that tagged a group said that one image is better than another, and who the reverse.
 */
export function votesFromTags(
  { winnerSampleId, loserSampleId }: Pick<WeightedPair, 'winnerSampleId' | 'loserSampleId'>,
  taggings: readonly { annotatorId: string; taggedSampleIds: readonly string[] }[],
): Votes {
  const whoTagged = (bad: string, good: string) =>
    taggings
      .filter(({ taggedSampleIds: ids }) => ids.includes(bad) && !ids.includes(good))
      .map(({ annotatorId }) => annotatorId);
  return {
    for: whoTagged(loserSampleId, winnerSampleId),
    against: whoTagged(winnerSampleId, loserSampleId),
  };
}
