import { expect, it } from 'vitest';
import { ticksOf } from '@/app/rounds/[id]/ticks';

it.each([
  ['one number', [Math.LN2]],
  ['numbers that are all alike', [Math.LN2, Math.LN2, Math.LN2]],
  ['nothing but zeros', [0, 0]],
  ['numbers that hardly differ', [0.412147, 0.412152]],
  ['a curve', [0.6912, 0.6843, 0.61]],
  ['tiny numbers', [1.2e-7, 3.4e-6]],
  ['huge numbers', [2e7, 2.4e7]],
  ['both sides of zero', [-0.013, 0.021]],
  ['a spread of 2.5', [0, 7.4]],
])('an axis of %s has ticks that differ, around all of them', (_, values) => {
  const { at, text } = ticksOf(values);
  expect(at.length).toBeGreaterThanOrEqual(2);
  expect(at.length).toBeLessThanOrEqual(6);
  const texts = at.map(text);
  expect(new Set(texts).size).toBe(at.length);
  for (const [i, tick] of at.entries()) {
    const step = at[1]! - at[0]!;
    expect(Math.abs(Number(texts[i]) - tick)).toBeLessThan(0.01 * step);
  }
  const slack = 1e-6 * (at[1]! - at[0]!);
  expect(at[0]!).toBeLessThanOrEqual(Math.min(...values) + slack);
  expect(at.at(-1)!).toBeGreaterThanOrEqual(Math.max(...values) - slack);
});
