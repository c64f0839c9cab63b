import { expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { planned } from '@/trainer/autodiff/plan';
import type { Recompute } from '@/trainer/autodiff/recompute';
import { Builder, type Value } from '@/trainer/graph/builder';
import { peakBytes } from '@/trainer/graph/footprint';
import { float32 } from '@/trainer/graph/tensor';

/** Eight blocks of two products with a gate between, 4 MB wide inside and 1 MB outside. */
function build(recompute: Recompute): Builder {
  const b = new Builder('blocks');
  let x: Value = b.input('x', 'float32', [1024, 256]);
  const wide = b.constant('wide', float32([256, 1024], new Float32Array(2 ** 18)));
  const narrow = b.constant('narrow', float32([1024, 256], new Float32Array(2 ** 18)));
  for (let i = 0; i < 8; i++) {
    const inner = b.matmul(x, wide);
    x = b.add(x, b.matmul(b.mul(inner, b.op('Sigmoid', [inner])), narrow));
  }
  b.output(
    gradients(b, { of: x, wrt: ['x'], seed: b.input('g', 'float32', [1024, 256]), recompute })[0]!,
    'dx',
  );
  return b;
}

it('computes again more operations only for fewer bytes', () => {
  const free = planned(build);
  expect(free.recompute).toBe('nothing');
  const taken = [free];
  let most = peakBytes(free.footprint);
  for (;;) {
    const plan = (() => {
      try {
        return planned(build, most - 1);
      } catch {
        return undefined;
      }
    })();
    if (!plan) break;
    expect(peakBytes(plan.footprint)).toBeLessThan(most);
    most = peakBytes(plan.footprint);
    taken.push(plan);
  }
  expect(taken.length).toBeGreaterThan(3);
  const operations = taken.map(({ footprint }) => footprint.operations);
  expect(operations).toEqual([...operations].sort((x, y) => x - y));
  const bytes = taken.map(({ footprint }) => footprint.valueBytes);
  expect(bytes.at(-1)! / bytes[0]!).toBeLessThan(0.6);
});

it('refuses what fits no way, and says how much would', () => {
  expect(() => planned(build, 1e6)).toThrow(
    /^Training takes 0\.\d GB at the least.*may take 0\.0 GB\. Raise DARKROOM_MEMORY_GB to 0\.\d/,
  );
});
