import { expect, it } from 'vitest';
import { gaussianNoise, startingNoise, stepNoise } from '@/trainer/diffusion/sampling/noise';

it('is normal', () => {
  const noise = gaussianNoise('moments', 100_000);
  const moment = (power: number) => noise.reduce((sum, z) => sum + z ** power, 0) / noise.length;
  expect(moment(1)).toBeCloseTo(0, 1);
  expect(moment(2)).toBeCloseTo(1, 1);
  expect(Math.abs(moment(3))).toBeLessThan(0.05);
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
});

it('is the same for the same label, now and in later versions', () => {
  expect(gaussianNoise('a', 3)).toEqual(gaussianNoise('a', 4).subarray(0, 3));
  const rounded = [...startingNoise(42, 4)].map((z) => Number(z.toFixed(5)));
  expect(rounded).toMatchInlineSnapshot(`
    [
      -1.34437,
      -0.66257,
      -0.6726,
      0.18479,
    ]
  `);
});

it('is unrelated between seeds, steps and purposes', () => {
  const streams = [startingNoise(1, 1000), startingNoise(2, 1000)];
  streams.push(stepNoise(1, 0, 1000), stepNoise(1, 1, 1000), stepNoise(11, 0, 1000));
  for (const [i, a] of streams.entries()) {
    for (const b of streams.slice(i + 1)) {
      const correlation = a.reduce((sum, z, k) => sum + z * b[k]!, 0) / a.length;
      expect(Math.abs(correlation)).toBeLessThan(0.15);
    }
  }
});
