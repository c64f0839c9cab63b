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
 *
 * @param n how many values there are @param at the value of a rank among them, counted from 1
 */
export function medianOfRanks(
  n: number,
  at: (rank: number) => number,
  z = z95,
): MedianInterval | null {
  if (n === 0) return null;
  const [low, below, above, high] = medianRanks(n, z).map(at) as [number, number, number, number];
  return { median: (below + above) / 2, low, high, n };
}

/** Of n > 0 values: of the interval's lower end, the two in the middle, and the upper end. */
function medianRanks(n: number, z = z95): [number, number, number, number] {
  const within = (rank: number) => Math.min(n, Math.max(1, rank));
  const reach = (z * Math.sqrt(n)) / 2;
  return [
    within(Math.floor(n / 2 - reach)),
    within(Math.ceil(n / 2)),
    within(Math.floor(n / 2) + 1),
    within(Math.ceil(n / 2 + 1 + reach)),
  ];
}
