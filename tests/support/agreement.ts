import { alphaOf } from '@/lib/statistics/agreement';
import type { Proportion } from '@/lib/statistics/proportion';

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

/** Krippendorff's alpha of all answers, where the counts of db/figures do without reading them. */
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
