/** Curves compared at the same reward. */
import { describe, expect, it } from 'vitest';
import { gainsAtEqualReward } from '@/scripts/reproduce/methods/diversity/curves';
import { firstAt } from '@/scripts/reproduce/methods/reports/curve';

const rising = [
  { x: 0, y: 0.9 },
  { x: 1, y: 0.8 },
  { x: 3, y: 0.4 },
];

describe('firstAt', () => {
  it('is linear between points', () => {
    expect(firstAt(rising, 0.5)).toBeCloseTo(0.85);
    expect(firstAt(rising, 2)).toBeCloseTo(0.6);
  });
  it('meets the points themselves', () => {
    expect(firstAt(rising, 1)).toBeCloseTo(0.8);
    expect(firstAt(rising, 3)).toBeCloseTo(0.4);
  });
  it('is where the curve begins for what was there from the start', () => {
    expect(firstAt(rising, -2)).toBe(0.9);
  });
  it('is null for what was never reached, and of no curve', () => {
    expect(firstAt(rising, 3.1)).toBeNull();
    expect(firstAt([], 1)).toBeNull();
  });
  it('counts the first way up where the curve falls back', () => {
    const falling = [...rising, { x: 0.5, y: 0.1 }, { x: 4, y: 0 }];
    expect(firstAt(falling, 2)).toBeCloseTo(0.6);
    expect(firstAt(falling, 3.5)).toBeCloseTo(0.1 - 0.1 * (3 / 3.5));
  });
});

describe('gainsAtEqualReward', () => {
  it('compares a run, after the base, with the free run where that had the reward', () => {
    const own = [
      { x: 0, y: 0.9 },
      { x: 1, y: 0.9 },
      { x: 2, y: 0.85 },
    ];
    const gains = gainsAtEqualReward(own, rising);
    expect(gains).toHaveLength(2);
    expect(gains[0]).toBeCloseTo(0.9 - (firstAt(rising, 1) as number));
    expect(gains[1]).toBeCloseTo(0.25);
  });
  it('compares nothing where the free run never came', () => {
    const own = [
      { x: 0, y: 1 },
      { x: 9, y: 1 },
    ];
    expect(gainsAtEqualReward(own, rising)).toEqual([null]);
  });
});
