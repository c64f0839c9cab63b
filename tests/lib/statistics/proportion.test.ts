import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilsonInterval, winRate } from '@/lib/statistics/proportion';

const countOutOf = fc
  .integer({ min: 1, max: 10_000 })
  .chain((n) => fc.record({ n: fc.constant(n), count: fc.integer({ min: 0, max: n }) }));

describe('wilsonInterval', () => {
  it('gives the figures of Wilson 1927 as tabulated', () => {
    // Newcombe 1998, Statistics in Medicine 17, table I, method 3 (score, no continuity
    // correction).
    const cases = [
      { count: 81, n: 263, low: 0.2553, high: 0.3662 },
      { count: 15, n: 148, low: 0.0624, high: 0.1605 },
      { count: 0, n: 20, low: 0, high: 0.1611 },
      { count: 1, n: 29, low: 0.0061, high: 0.1718 },
    ];
    for (const { low, high, ...proportion } of cases) {
      const interval = wilsonInterval(proportion)!;
      expect(interval.low).toBeCloseTo(low, 4);
      expect(interval.high).toBeCloseTo(high, 4);
    }
  });

  it('says nothing of nothing', () => {
    expect(wilsonInterval({ count: 0, n: 0 })).toBeNull();
  });

  it('contains its rate, stays within [0, 1], and mirrors', () => {
    fc.assert(
      fc.property(countOutOf, ({ count, n }) => {
        const { rate, low, high } = wilsonInterval({ count, n })!;
        const mirrored = wilsonInterval({ count: n - count, n })!;
        expect(0 <= low && low <= rate && rate <= high && high <= 1).toBe(true);
        expect(mirrored.low).toBeCloseTo(1 - high, 10);
      }),
    );
  });

  it('narrows with more images at the same rate', () => {
    fc.assert(
      fc.property(countOutOf, fc.integer({ min: 2, max: 9 }), ({ count, n }, times) => {
        const few = wilsonInterval({ count, n })!;
        const many = wilsonInterval({ count: count * times, n: n * times })!;
        expect(many.high - many.low).toBeLessThan(few.high - few.low);
      }),
    );
  });

  it('covers the true rate in at least 93 % of drawn samples', () => {
    const n = 100;
    const truth = 0.284;
    // Exact: sums binomial probabilities of the counts whose interval contains the truth.
    let probability = (1 - truth) ** n;
    let covered = 0;
    for (let count = 0; count <= n; count++) {
      const { low, high } = wilsonInterval({ count, n })!;
      if (low <= truth && truth <= high) covered += probability;
      probability *= ((n - count) / (count + 1)) * (truth / (1 - truth));
    }
    expect(covered).toBeGreaterThan(0.93);
  });
});

describe('winRate', () => {
  it('counts a tie as half a win', () => {
    expect(winRate({ wins: 6, ties: 2, n: 10 })!.rate).toBe(0.7);
    expect(winRate({ wins: 0, ties: 10, n: 10 })!.rate).toBe(0.5);
    expect(winRate({ wins: 0, ties: 0, n: 0 })).toBeNull();
  });

  it('equals the proportion where there are no ties', () => {
    fc.assert(
      fc.property(countOutOf, ({ count, n }) => {
        expect(winRate({ wins: count, ties: 0, n })).toEqual(wilsonInterval({ count, n }));
      }),
    );
  });
});
