import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { Lpips } from '@/trainer/rewards/lpips';
import { Engine } from '@/trainer/runtime/engine';
import { randomImages } from './support';

const dims = [3, 4, 4] as const;
const sets = [3, 1, 5, 0, 2].map((count, set) =>
  Array.from({ length: count }, (_, i) => randomImages([1, ...dims], 10 * set + i).data),
);

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

/** A "network" whose distance is the mean squared difference, so that a test can compute it. */
function network(form: 'pairs' | 'pixels' | 'unnamed' | 'gray' = 'pairs'): Graph {
  const b = new Builder('lpips');
  const shape = form === 'gray' ? [1, 1, 4, 4] : [1, ...dims];
  const difference = b.sub(
    b.input('image_0', 'float32', shape),
    b.input(form === 'unnamed' ? 'other' : 'image_1', 'float32', shape),
  );
  const squares = b.mul(difference, difference);
  b.output(b.reduceMean(squares, form === 'pixels' ? [1] : [1, 2, 3]), 'distance');
  const graph = b.finish();
  for (const port of graph.inputs) port.dims = ['n', ...port.dims.slice(1)];
  return graph;
}

async function folderWith(graph: Graph): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'darkroom-lpips-'));
  await writeFile(join(folder, 'model.onnx'), serializeOnnx(graph));
  return folder;
}

/** In [−1, 1], where the network works, differences are twice those of [0, 1]. */
function meanOf(images: readonly Float32Array[]): number {
  const distances = images.flatMap((one, i) =>
    images.slice(i + 1).map((other) => {
      const squares = one.reduce((sum, value, at) => sum + (value - other[at]!) ** 2, 0);
      return (4 * squares) / one.length;
    }),
  );
  return distances.reduce((sum, value) => sum + value, 0) / Math.max(1, distances.length);
}

it('the diversity of sets is the mean over all pairs of each, then over the sets that have pairs', async () => {
  const lpips = await Lpips.open(engine, await folderWith(network()), [4, 4]);
  const { perSet, mean } = await lpips.diversity(sets);
  for (const [i, set] of sets.entries()) expect(perSet[i]).toBeCloseTo(meanOf(set), 5);
  const wanted = [0, 2, 4].map((i) => meanOf(sets[i]!));
  expect(mean).toBeCloseTo(wanted.reduce((sum, value) => sum + value, 0) / 3, 5);
  expect(await lpips.allPairs(sets[2]!)).toBeCloseTo(wanted[1]!, 5);
  expect(await lpips.diversity([])).toEqual({ perSet: [], mean: 0 });
  await lpips.release();
});

it('a file is taken as well as its folder', async () => {
  const file = join(await folderWith(network()), 'model.onnx');
  await (await Lpips.open(engine, file, [4, 4])).release();
});

describe('what is no LPIPS network is refused by name', () => {
  it.each([
    ['one that is not there', '/nowhere/lpips', /no LPIPS network at \/nowhere\/lpips/],
    ['a folder without one', tmpdir(), /model\.onnx/],
  ])('%s', async (_, path, message) => {
    await expect(Lpips.open(engine, path, [4, 4])).rejects.toThrow(message);
  });

  it.each([
    ['of other inputs', 'unnamed', /takes image_0 .*other .*image_0 and image_1/],
    ['of gray images', 'gray', /RGB/],
    ['that gives a distance per pixel', 'pixels', /\[8,1,4,4\] for 8 pairs/],
  ] as const)('%s', async (_, form, message) => {
    const folder = await folderWith(network(form));
    await expect(Lpips.open(engine, folder, [4, 4])).rejects.toThrow(message);
  });
});
