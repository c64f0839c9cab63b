import { z } from 'zod';

/** A count out of n; every rate is kept as this, so that it can be shown with its interval. */
export const proportionSchema = z.object({
  count: z.number().int().nonnegative(),
  n: z.number().int().nonnegative(),
});

export type Proportion = z.infer<typeof proportionSchema>;

export const winRecordSchema = z.object({
  wins: z.number().int().nonnegative(),
  ties: z.number().int().nonnegative(),
  n: z.number().int().nonnegative(),
});

/** Comparisons won, tied, and made. Losses are what is left. */
export type WinRecord = z.infer<typeof winRecordSchema>;

/** A rate in [0, 1] between the ends of its confidence interval. */
export interface Interval {
  rate: number;
  low: number;
  high: number;
}

/** The normal quantile of a 95 % interval. */
export const z95 = 1.959964;

function scoreInterval(rate: number, n: number, quantile: number): Interval {
  const z2 = quantile * quantile;
  const centre = (rate + z2 / (2 * n)) / (1 + z2 / n);
  const half = (quantile / (1 + z2 / n)) * Math.sqrt((rate * (1 - rate)) / n + z2 / (4 * n * n));
  return {
    rate,
    low: Math.max(0, Math.min(rate, centre - half)),
    high: Math.min(1, Math.max(rate, centre + half)),
  };
}

/**
 * Wilson's score interval of a proportion; sensible also for 0 of n and for n of n.
 * Null when there is nothing to divide by: a rate without a count is not shown.
 */
export function wilsonInterval({ count, n }: Proportion, quantile = z95): Interval | null {
  return n === 0 ? null : scoreInterval(count / n, n, quantile);
}

/**
 * Share of comparisons won, a tie counting half, with its interval. Scores of 0, ½ and 1 vary no
 * more than p(1 − p), so Wilson's interval with the same p covers at least as often as it says.
 */
export function winRate({ wins, ties, n }: WinRecord, quantile = z95): Interval | null {
  return n === 0 ? null : scoreInterval((wins + ties / 2) / n, n, quantile);
}
