import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { accumulated } from '@/trainer/methods/optimizer/accumulation';
import type { DrawSize } from '@/trainer/methods/policy-gradient/baseline';
import type { DrawnImage } from '@/trainer/methods/policy-gradient/draw';
import { valueBaseline } from '@/trainer/methods/policy-gradient/value-baseline';
import {
  buildValueStep,
  featureCount,
  featuresOf,
  initialValueNetwork,
} from '@/trainer/methods/policy-gradient/value-network';
import { createRandom } from '@/trainer/random';
import { Engine, outputOf } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const told = { words: [3, 5] };
const size: DrawSize = { images: 8, steps: 3, latent: [2, 4, 4], context: told };
const random = createRandom(4);
const gaussians = (count: number) => Float32Array.from({ length: count }, () => random.gaussian());

/** Images whose reward can be read off x_t: its mean, steeper the later the step. */
const draw = Array.from({ length: size.images }, (_, i): DrawnImage => {
  const reward = 20 + i / size.images;
  const states = [0, 1, 2, 3].map((step) =>
    gaussians(32).map((z) => 0.1 * z + step * (reward - 20)),
  );
  const logProbabilities = [0, 0, 0];
  const context = { words: float32([3, 5], gaussians(15)) };
  return { prompt: 'a', context, reward, states, logProbabilities, reference: [] };
});

it('sees x_t averaged to at most sixteen a side, and the mean of the embeddings', () => {
  const tall: DrawSize = { ...size, latent: [2, 33, 8] };
  expect(featureCount(tall)).toBe(2 * 16 * 8 + 5);
  const state = Float32Array.from({ length: 2 * 33 * 8 }, (_, i) => Math.floor(i / 8) % 33);
  const words = Float32Array.from({ length: 15 }, (_, i) => i);
  const context = { words: float32([3, 5], words) };
  const image = { ...draw[0]!, states: [state], context };
  const seen = featuresOf(image, 0, tall);
  expect(seen).toHaveLength(featureCount(tall));
  // Rows two by two, the odd one with the last two.
  expect([seen[0], seen[8], seen[15 * 8], seen[16 * 8]]).toEqual([0.5, 2.5, 31, 0.5]);
  expect([...seen.subarray(-5)]).toEqual([5, 6, 7, 8, 9]);
});

it('has the gradient of its squared error', async () => {
  const rows = 4;
  const session = await engine.load(serializeOnnx(buildValueStep(size, rows)), { name: 'value' });
  const weights = new Map(
    [...initialValueNetwork(size)].map(([name, { dims, data }]) => [
      name,
      float32(
        dims,
        data.map((value) => value + 0.2 * random.gaussian()),
      ),
    ]),
  );
  const features = float32([rows, featureCount(size)], gaussians(rows * featureCount(size)));
  const step = float32([rows, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0]);
  const reward = float32([rows], gaussians(rows));
  const at = async (moved: ReadonlyMap<string, Tensor<'float32'>>) => {
    const sums = [...moved].map(([name, { dims, data }]) => [
      accumulated(name),
      float32(dims, new Float32Array(data.length)),
    ]);
    const feeds = { ...Object.fromEntries(moved), ...Object.fromEntries(sums) };
    const out = await session.run({ ...feeds, features, step, reward, keepSum: float32([], [0]) });
    return {
      loss: outputOf(out, 'loss', 'float32').data[0]!,
      gradient: (name: string) => outputOf(out, `${accumulated(name)}.next`, 'float32').data,
    };
  };
  const { gradient } = await at(weights);
  for (const name of weights.keys()) {
    const own = gradient(name);
    const length = Math.sqrt(own.reduce((sum, g) => sum + g * g, 0));
    const h = 0.01;
    const along = (sign: number) =>
      new Map(weights).set(
        name,
        float32(
          (weights.get(name) as Tensor).dims,
          (weights.get(name) as Tensor<'float32'>).data.map(
            (value, i) => value + (sign * h * own[i]!) / length,
          ),
        ),
      );
    const slope = ((await at(along(1))).loss - (await at(along(-1))).loss) / (2 * h);
    expect(Math.abs(slope / length - 1)).toBeLessThan(0.03);
  }
  await session.release();
});

describe('a value network as baseline', () => {
  const open = async (learningRate: number) => {
    const baseline = await valueBaseline({ learningRate, steps: 20 })(engine, size);
    await baseline.load(new Map());
    return baseline;
  };
  const flat = (advantages: readonly ArrayLike<number>[]) =>
    advantages.flatMap((own) => Array.from(own));

  it('begins at the mean reward of the first draw', async () => {
    const baseline = await open(1e-12);
    const { advantages, valueLoss } = await baseline.weigh(draw, () => random.next());
    await baseline.release();
    const mean = 20 + 3.5 / 8;
    for (const [i, own] of advantages.entries()) {
      expect(own).toHaveLength(3);
      for (const value of Array.from(own)) expect(value).toBeCloseTo(20 + i / 8 - mean, 4);
    }
    const variance = draw.reduce((sum, { reward }) => sum + (reward - mean) ** 2, 0) / 8;
    expect(valueLoss).toBeCloseTo(variance, 4);
  });

  it('learns what a step tells of the reward, so that less of it is a surprise', async () => {
    const baseline = await open(3e-3);
    const sizes: number[] = [];
    const losses: number[] = [];
    for (let i = 0; i < 8; i++) {
      const { advantages, valueLoss } = await baseline.weigh(draw, () => random.next());
      losses.push(valueLoss as number);
      sizes.push(flat(advantages).reduce((sum, a) => sum + a * a, 0));
    }
    await baseline.release();
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 4);
    expect(sizes.at(-1)).toBeLessThan(sizes[0]! / 2);
  });
});
