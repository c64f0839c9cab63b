import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { medianInterval } from '../../support/median';

describe('medianInterval', () => {
  it('is null of nothing and a point of one', () => {
    expect(medianInterval([])).toBeNull();
    expect(medianInterval([7])).toEqual({ median: 7, low: 7, high: 7, n: 1 });
  });

  it('takes the 40th and the 61st of a hundred (Conover, table of order statistics)', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(medianInterval(values)).toEqual({ median: 50.5, low: 40, high: 61, n: 100 });
  });

  it('encloses the middle value or the mean of the two, whatever the order of the values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 200 }), (values) => {
        const interval = medianInterval(values)!;
        const sorted = [...values].sort((a, b) => a - b);
        const half = sorted.length / 2;
        const middle = sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1);
        expect(interval.median).toBe(middle.reduce((a, b) => a + b) / middle.length);
        expect(interval.low).toBeLessThanOrEqual(interval.median);
        expect(interval.high).toBeGreaterThanOrEqual(interval.median);
      }),
    );
  });
});
