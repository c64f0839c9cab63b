import type { Proportion } from './proportion';

/** The answers that several people gave to one item. */
export type Ratings = readonly string[];

/** How many of all pairs of people who judged the same item gave the same answer. */
export function rawAgreement(items: readonly Ratings[]): Proportion {
  let count = 0;
  let n = 0;
  for (const ratings of items) {
    for (let i = 0; i < ratings.length; i++) {
      for (let j = i + 1; j < ratings.length; j++) {
        n++;
        if (ratings[i] === ratings[j]) count++;
      }
    }
  }
  return { count, n };
}

/**
 * Krippendorff's alpha for nominal answers: 1 when all agree, 0 when they agree as often as chance,
 * below 0 when less. Items judged once say nothing and are left out. Null when fewer than two answers
 * can be compared, or when only one answer was ever given (chance agreement is then certain).
 * K. Krippendorff, Content Analysis (2004), ch. 11: alpha = 1 − observed / expected disagreement.
 */
export function krippendorffAlpha(items: readonly Ratings[]): number | null {
  const totals = new Map<string, number>();
  let values = 0;
  let observed = 0;
  for (const ratings of items) {
    if (ratings.length < 2) continue;
    const counts = new Map<string, number>();
    for (const answer of ratings) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    let disagreeing = ratings.length * ratings.length;
    for (const [answer, count] of counts) {
      disagreeing -= count * count;
      totals.set(answer, (totals.get(answer) ?? 0) + count);
    }
    observed += disagreeing / (ratings.length - 1);
    values += ratings.length;
  }
  let squares = 0;
  for (const count of totals.values()) squares += count * count;
  return alphaOf({ observed, values, squares });
}

/**
 * The same from what was counted of items that two or more people answered. `observed`: of each item the ordered pairs of
 * answers that differ, over its answers less one, summed; `values`: all answers; `squares`: of how often each answer was given.
 */
export function alphaOf({
  observed,
  values,
  squares,
}: {
  observed: number;
  values: number;
  squares: number;
}): number | null {
  const expected = values * values - squares;
  if (expected === 0) return null;
  return 1 - (observed * (values - 1)) / expected;
}
