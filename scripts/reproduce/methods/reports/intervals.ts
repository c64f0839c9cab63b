/** @file Intervals over a few seeds, and over images of the same prompts and seeds. */
import type { Interval } from '@/lib/statistics/proportion';

/** 97.5 % quantiles of Student's t by degrees of freedom, from 1. */
const studentT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/**
 * Mean over seeds with its 95 % interval by Student's t; of one seed there is no spread, and the
 * ends are infinite. Null of nothing.
 */
export function overSeeds(values: readonly number[]): Interval | null {
  const n = values.length;
  if (n === 0) return null;
  const rate = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { rate, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance = values.reduce((sum, value) => sum + (value - rate) ** 2, 0) / (n - 1);
  const quantile = studentT[n - 2] ?? 1.96;
  const half = quantile * Math.sqrt(variance / n);
  return { rate, low: rate - half, high: rate + half };
}
