/** @file Figures as the reports write them. */
import type { Interval } from '@/lib/statistics/proportion';

export const percent = (value: number, digits = 1): string => `${(100 * value).toFixed(digits)} %`;

/** A rate with its interval. */
export const intervalText = ({ rate, low, high }: Interval): string =>
  `${percent(rate)} (${percent(low)} – ${percent(high)})`;
