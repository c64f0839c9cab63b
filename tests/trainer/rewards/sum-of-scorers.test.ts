import { expect, it } from 'vitest';
import type { OpenScorer } from '@/trainer/rewards/scorer';
import { sumOfScorers } from '@/trainer/rewards/sum-of-scorers';
import type { Engine } from '@/trainer/runtime/engine';

const released: string[] = [];
const scorer =
  (name: string, scores: number[]): OpenScorer =>
  async () => ({
    name,
    score: async () => ({ scores: Float32Array.from(scores), parts: {} }),
    release: async () => void released.push(name),
  });

it('adds weight · (hinge(score) − mean) / std, the hinge on the side that is pulled at', async () => {
  const open = sumOfScorers([
    { open: scorer('a', [1, 2, 3]), weight: 2, hinge: 2 },
    { open: scorer('b', [10, 20, 30]), weight: -1, hinge: 15, normalize: { mean: 20, std: 5 } },
    { open: scorer('c', [0.5, 0.5, 0.25]), weight: 4 },
  ]);
  const both = await open(undefined as unknown as Engine, { images: 3, width: 8, height: 8 });
  // 2·min(a, 2) − (max(b, 15) − 20)/5 + 4·c
  const { scores, parts } = await both.score(new Float32Array(), []);
  expect([...scores]).toEqual([2 + 1 + 2, 4 - 0 + 2, 4 - 2 + 1]);
  expect(Object.keys(parts)).toEqual(['a', 'b', 'c']);
  expect([...(parts.b as Float32Array)]).toEqual([10, 20, 30]);
  expect(both.name).toBe('2 · a + -1 · b + 4 · c');
  await both.release();
  expect(released).toEqual(['a', 'b', 'c']);
});
