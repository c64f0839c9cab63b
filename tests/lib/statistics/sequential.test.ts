import { expect, it } from 'vitest';
import { isBeyondChance } from '@/lib/statistics/sequential';
import { createRandom } from '@/trainer/random';

/** After how many it is sure, looking after every one; undefined: not within `most`. */
function surePerhaps(seed: number, chance: number, most: number): number | undefined {
  const random = createRandom(seed);
  let wins = 0;
  for (let n = 1; n <= most; n++) {
    if (random.next() < chance) wins++;
    if (isBeyondChance(wins, n - wins)) return n;
  }
  return undefined;
}

it('is sure of what its formula says, whichever side is ahead', () => {
  // 2^7/8 = 16 and 2^8/9 = 28, where 20 are asked for.
  expect(isBeyondChance(7, 0)).toBe(false);
  expect(isBeyondChance(8, 0)).toBe(true);
  expect(isBeyondChance(0, 8)).toBe(true);
  expect(isBeyondChance(0, 0)).toBe(false);
  // 2^40/(41·C(40, 10)) = 31.6, 2^40/(41·C(40, 11)) = 11.6.
  expect(isBeyondChance(30, 10)).toBe(true);
  expect(isBeyondChance(29, 11)).toBe(false);
  expect(isBeyondChance(5000, 5000)).toBe(false);
});

it('calls a fair coin unfair at most once in twenty, though it looks after every toss', () => {
  const runs = Array.from({ length: 2000 }, (_, seed) => surePerhaps(seed, 0.5, 400));
  const wrong = runs.filter((n) => n !== undefined).length;
  expect(wrong).toBeLessThan(100);
  expect(wrong).toBeGreaterThan(0);
});

it('needs few answers where one is clearly better', () => {
  const runs = Array.from({ length: 200 }, (_, seed) => surePerhaps(seed, 0.75, 1000) ?? 1000);
  expect(runs.sort((a, b) => a - b)[100]).toBeLessThan(45);
});
