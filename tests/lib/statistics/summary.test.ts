import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrapMean } from '@/lib/statistics/bootstrap';
import { mean, median, quantile } from '@/lib/statistics/summary';

const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 });

describe('summaries', () => {
  it('say nothing of nothing', () => {
    expect([mean([]), median([]), quantile([], 0.5)]).toEqual([null, null, null]);
  });

  it('put the median between as many below as above, wherever the values stand', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const middle = median(values)!;
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
        expect(quantile(values, 0.5)).toBeCloseTo(middle, 9);
      }),
    );
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});

/** A small linear congruential generator: the interval must be the same every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

describe('bootstrapMean', () => {
  it('is reproducible, contains the mean, and has the width of the standard error', () => {
    const values = Array.from({ length: 400 }, (_, i) => i % 2);
    const interval = bootstrapMean(values, seeded(1))!;
    expect(bootstrapMean(values, seeded(1))).toEqual(interval);
    expect(interval.rate).toBe(0.5);
    // Half of a 95 % interval is 1.96 · ½ / √400 = 0.049.
    expect(interval.high - interval.rate).toBeCloseTo(0.049, 2);
    expect(interval.rate - interval.low).toBeCloseTo(0.049, 2);
  });

  it('is a point where all values are equal, and null of nothing', () => {
    expect(bootstrapMean([0.25, 0.25], seeded(2))).toEqual({ rate: 0.25, low: 0.25, high: 0.25 });
    expect(bootstrapMean([], seeded(2))).toBeNull();
  });
});
