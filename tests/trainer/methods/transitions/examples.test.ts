import fc from 'fast-check';
import { expect, it } from 'vitest';
import { comparisonsIn, layOut, type Row } from '@/trainer/methods/transitions/examples';

const size = fc.record({ images: fc.integer({ min: 2, max: 7 }), comparisons: fc.nat(12) });
const laid = fc.record({
  sizes: fc.array(size, { minLength: 1, maxLength: 12 }),
  timesteps: fc.integer({ min: 1, max: 5 }),
  images: fc.integer({ min: 7, max: 20 }),
});

function rowsOf(examples: number, timesteps: number): Row[] {
  return Array.from({ length: examples }, (_, example) =>
    Array.from({ length: timesteps }, (_, timestepIndex) => ({ example, timestepIndex })),
  ).flat();
}

it('puts every row into exactly one run, and no run holds more images than fit', () => {
  fc.assert(
    fc.property(laid, fc.boolean(), ({ sizes, timesteps, images }, oneTimestep) => {
      const rows = rowsOf(sizes.length, timesteps);
      const runs = layOut(rows, sizes, images, oneTimestep);
      expect(new Set(runs.flat())).toEqual(new Set(rows));
      expect(runs.flat()).toHaveLength(rows.length);
      expect(runs.reduce((sum, run) => sum + comparisonsIn(run, sizes), 0)).toBe(
        comparisonsIn(rows, sizes),
      );
      for (const run of runs) {
        const taken = run.reduce((sum, { example }) => sum + (sizes[example]?.images ?? 0), 0);
        expect(taken).toBeGreaterThan(0);
        expect(taken).toBeLessThanOrEqual(images);
        if (oneTimestep) expect(new Set(run.map((row) => row.timestepIndex)).size).toBe(1);
      }
    }),
  );
});

it('fills a run before it begins the next', () => {
  const sizes = [{ images: 2, comparisons: 1 }];
  expect(layOut(rowsOf(1, 5), sizes, 6, false).map((run) => run.length)).toEqual([3, 2]);
});

it('refuses an example that is larger than a run', () => {
  expect(() => layOut(rowsOf(1, 1), [{ images: 7, comparisons: 3 }], 6, false)).toThrow(
    'A run holds 6 images, but an example has 7',
  );
});
