import { z } from 'zod';
import { type Interval, z95 } from './proportion';

/**
 * Krippendorff's alpha for nominal answers: 1 when all agree, 0 when they agree as often as chance,
 * below 0 when less. Null when fewer than two answers can be compared, or when only one answer was
 * ever given (chance agreement is then certain).
 * K. Krippendorff, Content Analysis (2004), ch. 11: alpha = 1 − observed / expected disagreement.
 *
 * Counted over items that two or more people answered. `observed`: of each item the ordered pairs
 * of answers that differ, over its answers less one, summed; `values`: all answers; `squares`: of
 * how often each answer was given, summed.
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

/** How two raters marked the same items. */
export const markedSchema = z.object({
  both: z.number().int().nonnegative(),
  firstOnly: z.number().int().nonnegative(),
  secondOnly: z.number().int().nonnegative(),
  neither: z.number().int().nonnegative(),
});

export type Marked = z.infer<typeof markedSchema>;

/**
 * Cohen's kappa of two raters' marks with its 95 % interval: 1 when they always agree, 0 when as
 * often as chance. Null where either marked all or none, so that chance agreement is certain.
 * J. Cohen, "A coefficient of agreement for nominal scales" (1960), with his standard error
 * √(p(1 − p) / n) / (1 − e); p: how often they agree, e: how often chance would.
 */
export function cohensKappa({ both, firstOnly, secondOnly, neither }: Marked): Interval | null {
  const n = both + firstOnly + secondOnly + neither;
  const first = (both + firstOnly) / n;
  const second = (both + secondOnly) / n;
  const expected = first * second + (1 - first) * (1 - second);
  if (n === 0 || [first, second].some((share) => share === 0 || share === 1)) return null;
  const observed = (both + neither) / n;
  const rate = (observed - expected) / (1 - expected);
  const half = (z95 * Math.sqrt((observed * (1 - observed)) / n)) / (1 - expected);
  return { rate, low: Math.max(-1, rate - half), high: Math.min(1, rate + half) };
}
