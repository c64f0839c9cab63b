/** Intervals over seeds. */
import { describe, expect, it } from 'vitest';
import { overSeeds } from '@/scripts/reproduce/methods/reports/intervals';

describe('overSeeds', () => {
  it('is the t-interval: three values, two degrees of freedom', () => {
    const found = overSeeds([1, 2, 3]);
    // 4.302653 · 1 / √3, as R's t.test(c(1, 2, 3)) gives: −0.484 to 4.484.
    expect(found?.rate).toBe(2);
    expect(found?.low).toBeCloseTo(-0.4841, 3);
    expect(found?.high).toBeCloseTo(4.4841, 3);
  });
  it('narrows with more seeds of the same spread', () => {
    const few = overSeeds([1, 3]);
    const many = overSeeds([1, 3, 1, 3, 1, 3]);
    expect((many?.high ?? 0) - (many?.low ?? 0)).toBeLessThan((few?.high ?? 0) - (few?.low ?? 0));
  });
  it('knows no spread of one seed, and nothing of none', () => {
    expect(overSeeds([5])).toEqual({
      rate: 5,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    });
    expect(overSeeds([])).toBeNull();
  });
});
