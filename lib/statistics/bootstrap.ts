import type { Interval } from './proportion';
import { mean, quantile } from './summary';

/**
 * Percentile bootstrap of a mean (Efron 1979): resamples with replacement, for figures that are no
 * plain proportion. `random` yields numbers in [0, 1): pass a seeded one to get the same interval
 * again. `rate` is the mean of the values themselves. Null of nothing.
 */
export function bootstrapMean(
  values: readonly number[],
  random: () => number,
  { resamples = 2000, confidence = 0.95 }: { resamples?: number; confidence?: number } = {},
): Interval | null {
  const centre = mean(values);
  if (centre === null) return null;
  const means = Array.from({ length: resamples }, () => {
    const sum = values.reduce((total) => total + values[Math.floor(random() * values.length)]!, 0);
    return sum / values.length;
  });
  const tail = (1 - confidence) / 2;
  return { rate: centre, low: quantile(means, tail)!, high: quantile(means, 1 - tail)! };
}
