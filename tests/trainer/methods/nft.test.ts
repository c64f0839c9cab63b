/** DiffusionNFT's loss against its formula in plain numbers, its gradient against differences. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { appendNftLoss } from '@/trainer/methods/nft';
import { Engine, outputOf } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const grades = [1, 0.75, 0.5, 0];
const weights = [0.4, 0.1, 0.3, 0.2];
/** k at a late, a middle and an early step of a noise-saying network, and of a flow. */
const spreads = [0.04, 1, 14.6, 0.6];
const settings = { beta: 0.7, klCoefficient: 0.3 };
const images = grades.length;
const each = 8;
const dims = [images, 2, 2, 2];
const numbers = (name: string) => [...gaussianNoise(name, images * each)];
const [old, reference, target] = ['old', 'reference', 'target'].map(numbers);
const output = numbers('output').map((value, i) => old![i]! + 0.3 * value);

async function shown(said: readonly number[]) {
  const b = new Builder('nft');
  const x = b.input('x', 'float32', dims);
  const constant = (values: readonly number[], shape: readonly number[]) =>
    b.tensor(float32([...shape], Float32Array.from(values)));
  const held: Value[] = [];
  const { loss } = appendNftLoss(
    b,
    {
      output: x,
      reference: constant(reference!, dims),
      target: constant(target!, dims),
      old: constant(old!, dims),
      spread: constant(spreads, [images, 1, 1, 1]),
      hold: (value) => {
        held.push(value);
        return value;
      },
    },
    { grade: constant(grades, [images]), weight: constant(weights, [images]) },
    settings,
  );
  const [gradient] = gradients(b, { of: loss, wrt: [x], stop: held });
  b.output(loss, 'loss');
  b.output(gradient!, 'gradient');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'nft' });
  const out = await session.run({ x: float32(dims, Float32Array.from(said)) }, {});
  await session.release();
  return {
    loss: outputOf(out, 'loss', 'float32').data[0]!,
    gradient: [...outputOf(out, 'gradient', 'float32').data],
  };
}

/** The formula in float64. @param at where w± are taken */
function formula(said: readonly number[], at: readonly number[]): number {
  const mean = (of: (i: number) => number, image: number) =>
    Array.from({ length: each }, (_, i) => of(image * each + i)).reduce((sum, v) => sum + v, 0) /
    each;
  return grades.reduce((sum, grade, image) => {
    const error = (from: readonly number[], sign: number) => (i: number) => {
      const prediction = old![i]! + sign * settings.beta * (from[i]! - old![i]!);
      return spreads[image]! * (prediction - target![i]!);
    };
    const term = (sign: number) =>
      mean((i) => error(said, sign)(i) ** 2, image) /
      mean((i) => Math.abs(error(at, sign)(i)), image);
    const graded = grade * term(1) + (1 - grade) * term(-1);
    const distance = mean((i) => (said[i]! - reference![i]!) ** 2, image);
    return sum + weights[image]! * (graded / settings.beta + settings.klCoefficient * distance);
  }, 0);
}

it('is its formula, and so is its gradient with the weights held', async () => {
  const { loss, gradient } = await shown(output);
  expect(loss / formula(output, output)).toBeCloseTo(1, 5);
  const h = 1e-5;
  const size = Math.max(...gradient.map(Math.abs));
  for (const [i, found] of gradient.entries()) {
    const moved = (sign: number) => output.map((v, j) => (i === j ? v + sign * h : v));
    const slope = (formula(moved(1), output) - formula(moved(-1), output)) / (2 * h);
    expect(Math.abs(found - slope) / size).toBeLessThan(1e-4);
  }
});

it('is told nothing by an image that won as often as it lost, as long as the policy is the old', async () => {
  const free = { ...settings };
  settings.klCoefficient = 0;
  const { gradient } = await shown(old!);
  settings.klCoefficient = free.klCoefficient;
  const lengths = grades.map((_, image) =>
    Math.hypot(...gradient.slice(image * each, (image + 1) * each)),
  );
  expect(lengths[2]).toBeLessThan(1e-6 * lengths[3]!);
  expect(lengths[0]).toBeGreaterThan(0);
  // A winner's error falls against the gradient, a loser's rises.
  const along = (image: number) =>
    gradient
      .slice(image * each, (image + 1) * each)
      .reduce((sum, g, i) => sum + g * (old![image * each + i]! - target![image * each + i]!), 0);
  expect(along(0)).toBeGreaterThan(0);
  expect(along(3)).toBeLessThan(0);
});
