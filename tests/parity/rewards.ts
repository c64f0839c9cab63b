/**
 * @file Parity of what scores images: a reward model and LPIPS, with their gradients at the pixels.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { Lpips } from '@/trainer/rewards/lpips';
import type { Engine } from '@/trainer/runtime/engine';
import { graphReward } from '../support/graph-reward';
import { Golden } from './golden';
import { type ParityCase, relativeError } from './report';

/** `parity/reward_gradient` and `lpips/`, where they are. */
export async function rewardCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const cases: ParityCase[] = [];
  if (existsSync(join(folder, 'parity/reward_gradient.safetensors'))) {
    cases.push({ name: 'reward_gradient', run: () => checkReward(engine, folder) });
  }
  if (existsSync(join(folder, 'lpips/lpips.safetensors'))) {
    cases.push({ name: 'lpips', run: () => checkLpips(engine, folder) });
  }
  return cases;
}

/** A value of images, and the gradient of its sum by those images. */
async function scored(
  engine: Engine,
  images: Tensor,
  feeds: Record<string, Tensor>,
  append: (b: Builder, images: Value) => Value,
) {
  const b = new Builder('score');
  const input = b.input('images', 'float32', images.dims);
  const value = append(b, input);
  const [gradient] = gradients(b, { of: b.reduceSum(value, [0], false), wrt: [input] });
  b.output(value, 'value');
  b.output(gradient as Value, 'gradient');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'score' });
  const out = await session.run({ images, ...feeds }, {});
  await session.release();
  return out as { value: Tensor; gradient: Tensor };
}

async function checkReward(engine: Engine, folder: string) {
  const golden = await Golden.read(join(folder, 'parity'), 'reward_gradient');
  const graph = await readOnnxFile(join(folder, 'parity/reward/model.onnx'));
  const { value, gradient } = await scored(
    engine,
    golden.get('image'),
    { text_embedding: golden.get('text_embedding') },
    (b, images) => graphReward(graph, 'golden').append(b, images),
  );
  return {
    forward: relativeError(value, golden.get('score')),
    gradient: relativeError(gradient, golden.get('grad_image')),
  };
}

async function checkLpips(engine: Engine, folder: string) {
  const golden = await Golden.read(join(folder, 'lpips'), 'lpips');
  const graph = await readOnnxFile(join(folder, 'lpips/model.onnx'));
  const { value, gradient } = await scored(
    engine,
    golden.get('image_0'),
    { other: golden.get('image_1') },
    (b, image_0) => {
      const image_1 = b.input('other', 'float32', golden.get('image_1').dims);
      return Object.values(inline(b, graph, { feeds: { image_0, image_1 } }))[0]!;
    },
  );
  const [count, , height, width] = golden.get('set').dims as [number, number, number, number];
  const lpips = await Lpips.open(engine, join(folder, 'lpips'), [height, width]);
  const set = golden.floats('set').data;
  const size = set.length / count;
  // The network takes [−1, 1], LPIPS of ours [0, 1].
  const images = Array.from({ length: count }, (_, i) =>
    set.subarray(i * size, (i + 1) * size).map((pixel) => (pixel + 1) / 2),
  );
  const pairs = images.flatMap((one, i) =>
    images.slice(i + 1).map((other) => [one, other] as const),
  );
  const distances = await lpips.distances(pairs);
  const mean = await lpips.allPairs(images);
  await lpips.release();
  return {
    forward: Math.max(
      relativeError(value, golden.get('distance')),
      relativeError(float32([distances.length], distances), golden.get('pairwise_distance')),
      relativeError(float32([1], [mean]), golden.get('all_pairs_mean')),
    ),
    gradient: relativeError(gradient, golden.get('grad_image_0')),
  };
}
