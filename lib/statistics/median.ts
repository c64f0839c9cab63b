import { z95 } from './proportion';

/** A median between the ends of its confidence interval, and what it was taken of. */
export interface MedianInterval {
  median: number;
  low: number;
  high: number;
  n: number;
}

/**
 * The median with the interval that order statistics give, whatever the distribution: the values
 * whose ranks lie z·√n/2 to either side of the middle. Null of nothing; with fewer than six values
 * no two of them enclose the median with 95 % confidence, and the ends are the extremes.
 */
export function medianInterval(values: readonly number[], z = z95): MedianInterval | null {
  const n = values.length;
  if (n === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (rank: number) => sorted[Math.min(n, Math.max(1, rank)) - 1]!;
  const reach = (z * Math.sqrt(n)) / 2;
  return {
    median: (at(Math.ceil(n / 2)) + at(Math.floor(n / 2) + 1)) / 2,
    low: at(Math.floor(n / 2 - reach)),
    high: at(Math.ceil(n / 2 + 1 + reach)),
    n,
  };
}
