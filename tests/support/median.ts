import { type MedianInterval, medianOfRanks } from '@/lib/statistics/median';

/** The median of values that are all at hand, with its interval. */
export function medianInterval(values: readonly number[]): MedianInterval | null {
  const sorted = [...values].sort((a, b) => a - b);
  return medianOfRanks(sorted.length, (rank) => sorted[rank - 1]!);
}
