import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { gradients } from '@/trainer/autodiff/gradients';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { createRandom } from '@/trainer/random';
import { FeatureReader } from '@/trainer/rewards/learned/feature-reader';
import { openFeatureNetworks } from '@/trainer/rewards/learned/features';
import type { Head } from '@/trainer/rewards/learned/head';
import { learnedReward } from '@/trainer/rewards/learned/learned-reward';
import { Engine, outputOf } from '@/trainer/runtime/engine';

let engine: Engine;
let pipeline: Pipeline;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-learned-'));
  await writeTinyPipeline(folder);
  pipeline = await openPipeline(folder);
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const size = 32;
const prompts = ['1 hand, dark skin', '1 hand, red sleeve'];
const random = createRandom(4);
const bytes = prompts.map(() =>
  Uint8Array.from({ length: 3 * size ** 2 }, () => random.integer(256)),
);
const planes = Float32Array.from({ length: 2 * 3 * size ** 2 }, (_, i) => {
  const [image, rest] = [Math.floor(i / (3 * size ** 2)), i % (3 * size ** 2)];
  const [channel, pixel] = [Math.floor(rest / size ** 2), rest % size ** 2];
  return (bytes[image]! as Uint8Array)[3 * pixel + channel]! / 255;
});

async function open() {
  const encoder = await PromptEncoder.open(engine, pipeline);
  const networks = await openFeatureNetworks(pipeline);
  const reader = await FeatureReader.open(engine, pipeline, 3);
  const features = await reader.read(
    await Promise.all(
      bytes.map(async (data, i) => ({
        image: { width: size, height: size, data },
        context: await encoder.encode(prompts[i]!),
      })),
    ),
  );
  const width = features[0]!.length;
  const vector = (from: number, to: number) =>
    Float32Array.from({ length: width }, () => random.between(from, to));
  const head: Head = {
    source: 'picks',
    pipelineHash: '',
    mean: vector(-1, 1),
    deviation: vector(0.5, 2),
    weights: vector(-1, 1),
    intercept: 0.25,
    spread: [vector(-0.1, 0.1), vector(-0.1, 0.1), vector(-0.1, 0.1)],
  };
  const reward = learnedReward('picks 1', head, networks, (prompt) => encoder.encode(prompt));
  return { features, head, reward };
}

it('scores an image as the head reads its features, and knows the gradient by its pixels', async () => {
  const { features, head, reward } = await open();
  const b = new Builder('score');
  const images = b.input('images', 'float32', [2, 3, size, size]);
  const { score, spread } = reward.appendParts!(b, images);
  b.output(spread!, 'spread');
  const [gradient] = gradients(b, { of: b.reduceSum(score, [0], false), wrt: [images] });
  b.output(score, 'score');
  b.output(gradient as Value, 'gradient');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'score' });
  const feeds = await reward.feeds(prompts);
  const at = async (pixels: Float32Array) => {
    const out = await session.run({ images: float32([2, 3, size, size], pixels), ...feeds });
    return {
      scores: outputOf(out, 'score', 'float32').data,
      spreads: outputOf(out, 'spread', 'float32').data,
      gradient: outputOf(out, 'gradient', 'float32').data,
    };
  };
  const found = await at(planes);
  for (const [i, row] of features.entries()) {
    const wanted = row.reduce(
      (sum, value, k) => sum + ((value - head.mean[k]!) / head.deviation[k]!) * head.weights[k]!,
      head.intercept,
    );
    expect(found.scores[i]).toBeCloseTo(wanted, 3);
    const z = row.map((value, k) => (value - head.mean[k]!) / head.deviation[k]!);
    const parts = head.spread!.map((d) => d.reduce((sum, v, k) => sum + v * z[k]!, 0));
    expect(found.spreads[i]! / Math.hypot(...parts)).toBeCloseTo(1, 3);
  }
  // Along the gradient, where the change is largest: a maximum over positions has kinks, so the
  // step must be short.
  const length = Math.hypot(...found.gradient);
  const step = 1e-3;
  const shifted = (sign: number) =>
    planes.map((value, i) => value + (sign * step * found.gradient[i]!) / length);
  const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
  const [up, down] = [await at(shifted(1)), await at(shifted(-1))];
  const numeric = (sum(up.scores) - sum(down.scores)) / (2 * step);
  const exact = length;
  expect(Math.abs(numeric - exact)).toBeLessThan(0.02 * Math.abs(exact));
});

it('refuses a head of another pipeline', async () => {
  const { head } = await open();
  const networks = await openFeatureNetworks(pipeline);
  const other = { ...head, weights: new Float32Array(7) };
  const reward = learnedReward('picks 1', other, networks, async () => ({}));
  const b = new Builder('score');
  expect(() => reward.append(b, b.input('images', 'float32', [1, 3, size, size]))).toThrow(
    /picks 1.+7 features/,
  );
});
