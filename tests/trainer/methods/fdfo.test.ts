/** FDFO's loss against its formula in plain numbers, its gradient against differences of that. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { appendFdfoLoss } from '@/trainer/methods/fdfo';
import { Engine, outputOf } from '@/trainer/runtime/engine';
import { softwareDriver } from '@/trainer/runtime/vulkan';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const images = 4;
const size = 8;
const dims = [images, 2, 2, 2];
const bound = 0.1;
/** A group of three and an image that only fills the run up; the last place compares nothing. */
const pairs = [
  { winner: 0, loser: 1, weight: 0.5, smoothing: 0 },
  { winner: 2, loser: 1, weight: 1.5, smoothing: 0.2 },
];
const places = pairs.length + 1;
/** A network that says the noise; and one at whose last row the image itself is said. */
const signs = [-1, -1, 1, -1];
const [recorded, finished, moved] = ['recorded', 'finished', 'moved'].map((name) => [
  ...gaussianNoise(name, images * size),
]);
const start = recorded!.map((v, i) => v + 0.02 * moved![i]!);

const own = (values: readonly number[], image: number) =>
  values.slice(image * size, (image + 1) * size);
const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

/** ln ρ of an image beside a pair's difference, as the file says: ψ by the target itself. */
function logRatio(said: readonly number[], pair: (typeof pairs)[number], image: number): number {
  const [winner, loser] = [own(finished!, pair.winner), own(finished!, pair.loser)];
  const difference = winner.map((v, i) => (v - loser[i]!) / 2);
  const length = mean(difference.map((v) => v * v));
  const side = image === pair.winner ? 1 : -1;
  const target = own(recorded!, image).map(
    (v, i) => v + (signs[image]! * side * difference[i]!) / length,
  );
  const psi = (from: readonly number[]) =>
    -mean(own(from, image).map((v, i) => (v - target[i]!) ** 2));
  return psi(said) - psi(recorded!);
}

function pairLoss(said: readonly number[], pair: (typeof pairs)[number]): number {
  const each = [pair.winner, pair.loser].map((image) => {
    const ratio = Math.exp(logRatio(said, pair, image));
    const reward = image === pair.winner ? 0.5 : -0.5;
    return -reward * ratio + (Math.abs(reward) / (2 * bound)) * (ratio - 1) ** 2;
  });
  return (1 - 2 * pair.smoothing) * mean(each);
}

const formula = (said: readonly number[]) =>
  pairs.reduce((sum, pair) => sum + pair.weight * pairLoss(said, pair), 0) / places;

async function shown(said: readonly number[], latents = finished!, on = engine) {
  const b = new Builder('fdfo');
  const x = b.input('x', 'float32', dims);
  const constant = (values: readonly number[], shape: readonly number[]) =>
    b.tensor(float32([...shape], Float32Array.from(values)));
  const preference = Array.from({ length: places * images }, (_, at) => {
    const pair = pairs[Math.floor(at / images)];
    return at % images === pair?.winner ? 1 : at % images === pair?.loser ? -1 : 0;
  });
  const {
    loss,
    pairLoss: each,
    logRatio: ratios,
  } = appendFdfoLoss(
    b,
    {
      output: x,
      referenceOutput: constant(recorded!, dims),
      finished: { latents: constant(latents, dims), sign: constant(signs, [1, images]) },
      preference: constant(preference, [places, images]),
      weight: constant([...pairs.map(({ weight }) => weight), 0], [places]),
      smoothing: constant([...pairs.map(({ smoothing }) => smoothing), 0], [places]),
    },
    { bound },
  );
  const [gradient] = gradients(b, { of: loss, wrt: [x] });
  b.output(loss, 'loss');
  b.output(each, 'each');
  b.output(ratios, 'ratios');
  b.output(gradient!, 'gradient');
  const session = await on.load(serializeOnnx(b.finish()), { name: 'fdfo' });
  const out = await session.run({ x: float32(dims, Float32Array.from(said)) }, {});
  await session.release();
  const read = (name: string) => [...outputOf(out, name, 'float32').data];
  return {
    loss: read('loss')[0]!,
    each: read('each'),
    ratios: read('ratios'),
    gradient: read('gradient'),
  };
}

it('is its formula, and so is its gradient', async () => {
  const { loss, each, ratios, gradient } = await shown(start);
  expect(loss / formula(start)).toBeCloseTo(1, 4);
  for (const [i, pair] of pairs.entries()) {
    expect(each[i]).toBeCloseTo(pairLoss(start, pair), 5);
    for (const image of [pair.winner, pair.loser]) {
      expect(ratios[i * images + image]).toBeCloseTo(logRatio(start, pair, image), 5);
    }
  }
  expect(each[pairs.length]).toBe(0);
  const h = 1e-5;
  const largest = Math.max(...gradient.map(Math.abs));
  for (const [i, found] of gradient.entries()) {
    const there = (sign: number) => start.map((v, j) => (i === j ? v + sign * h : v));
    const slope = (formula(there(1)) - formula(there(-1))) / (2 * h);
    expect(Math.abs(found - slope) / largest).toBeLessThan(1e-4);
  }
});

it('moves winner and loser the same way, from loser to winner, as the recorded prediction', async () => {
  const { loss, gradient } = await shown(recorded!);
  expect(loss).toBeCloseTo(0, 6);
  const towards = own(finished!, 0).map((v, i) => v - own(finished!, 1)[i]!);
  const along = (image: number) =>
    mean(own(gradient, image).map((g, i) => -g * signs[image]! * towards[i]!));
  expect(along(0)).toBeGreaterThan(0);
  expect(along(1)).toBeGreaterThan(0);
  // What fills the run up learns nothing.
  expect(own(gradient, 3).every((g) => g === 0)).toBe(true);
});

it('learns nothing from two images that are one', async () => {
  const same = Array<number[]>(images).fill(own(finished!, 0)).flat();
  const { ratios, gradient } = await shown(recorded!, same);
  expect([...ratios, ...gradient].every((v) => Math.abs(v) === 0)).toBe(true);
});

it.skipIf(!softwareDriver())('is the same on webgpu', async () => {
  vi.stubEnv('VK_ICD_FILENAMES', softwareDriver());
  const device = await Engine.open({ device: 'webgpu', threads: 1 });
  const [cpu, webgpu] = [await shown(start), await shown(start, finished!, device)];
  await device.close();
  vi.unstubAllEnvs();
  expect(webgpu.loss).toBeCloseTo(cpu.loss, 5);
  for (const [i, g] of cpu.gradient.entries()) expect(webgpu.gradient[i]).toBeCloseTo(g, 5);
});
