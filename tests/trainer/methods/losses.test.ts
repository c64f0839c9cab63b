/** Losses against their formulas in plain numbers, and their gradients against finite differences of those. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { createRandom } from '@/trainer/hands/world/random';
import { appendDdpoLoss } from '@/trainer/methods/ddpo';
import { appendDiffusionDpoLoss, diffusionDpoDefaults } from '@/trainer/methods/diffusion-dpo';
import { appendDpokLoss } from '@/trainer/methods/dpok';
import { appendKtoLoss, ktoDefaults } from '@/trainer/methods/kto';
import { Engine, outputOf } from '@/trainer/runtime/engine';

const n = 8;
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

interface Case {
  append(b: Builder, x: Value, constant: (values: readonly number[]) => Value): Value;
  /** The same in plain numbers. */
  formula(x: readonly number[]): number;
  x: number[];
  /** Of a central difference: small beside what the loss bends over. */
  h: number;
}

async function expectFormula({ append, formula, x, h }: Case): Promise<void> {
  const b = new Builder('loss');
  const input = b.input('x', 'float32', [n]);
  const loss = append(b, input, (values) => b.tensor(float32([values.length], values)));
  const [gradient] = gradients(b, { of: loss, wrt: [input] });
  b.output(loss, 'loss');
  b.output(gradient as Value, 'gradient');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'loss' });
  const out = await session.run({ x: float32([n], x) }, {});
  await session.release();
  const rounded = [...Float32Array.from(x)];
  expect(outputOf(out, 'loss', 'float32').data[0]).toBeCloseTo(formula(rounded), 4);
  const found = [...outputOf(out, 'gradient', 'float32').data];
  const size = Math.max(1e-6, ...found.map(Math.abs));
  for (const [i, value] of found.entries()) {
    const moved = (sign: number) => rounded.map((v, j) => (i === j ? v + sign * h : v));
    const slope = (formula(moved(1)) - formula(moved(-1))) / (2 * h);
    expect(Math.abs(value - slope) / size).toBeLessThan(1e-2);
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const clip = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
const share = Array<number>(n).fill(1 / n);

describe('policy gradients', () => {
  const random = createRandom(3);
  const advantage = Array.from({ length: n }, () => 3 * random.gaussian());
  advantage[0] = 40;
  const old = Array.from({ length: n }, () => random.gaussian());
  // Well inside the clip, and well outside it on both sides.
  const distance = [0, 0.5, -0.5, 0.02, -0.02, 0.4, -0.4, 0.01];
  const x = old.map((value, i) => value + (distance[i] as number));
  const ratio = (values: readonly number[], i: number) =>
    Math.exp((values[i] as number) - (Math.fround(old[i] as number) as number));

  it('DDPO keeps the worse of the clipped and the free ratio, and bounds the advantage', () =>
    expectFormula({
      x,
      h: 1e-3,
      append: (b, logProbability, constant) =>
        b.reduceMean(
          appendDdpoLoss(
            b,
            {
              logProbability,
              oldLogProbability: constant(old),
              advantage: constant(advantage),
            },
            { clipRange: 0.1, advantageClip: 5 },
          ),
          [0],
          false,
        ),
      formula: (values) =>
        mean(
          advantage.map((raw, i) => {
            const a = clip(raw, -5, 5);
            const r = ratio(values, i);
            return Math.max(-a * r, -a * clip(r, 0.9, 1.1));
          }),
        ),
    }));

  it('DPOK stops at the clamp in both directions, and weighs reward against distance', () =>
    expectFormula({
      x,
      h: 1e-3,
      append: (b, logProbability, constant) =>
        b.reduceMean(
          appendDpokLoss(
            b,
            {
              logProbability,
              oldLogProbability: constant(old),
              advantage: constant(advantage),
              outputDistance: b.mul(logProbability, logProbability),
            },
            { clipRange: 0.1, rewardWeight: 2, klWeight: 0.5 },
          ),
          [0],
          false,
        ),
      formula: (values) =>
        mean(
          advantage.map(
            (a, i) => 0.5 * (values[i] as number) ** 2 - 2 * a * clip(ratio(values, i), 0.9, 1.1),
          ),
        ),
    }));
});

describe('denoising errors', () => {
  const random = createRandom(5);
  const excess = Array.from({ length: n }, () => 5e-4 * random.gaussian());

  it('Diffusion-DPO compares winner and loser of each pair', () => {
    const pairs: [number, number][] = [
      [0, 1],
      [3, 2],
      [4, 0],
    ];
    const weight = [0.5, 0.3, 0.2];
    const rows = pairs.map(([winner, loser]) =>
      Array.from({ length: n }, (_, i) => Number(i === winner) - Number(i === loser)),
    );
    return expectFormula({
      x: excess,
      h: 1e-6,
      append: (b, x, constant) =>
        appendDiffusionDpoLoss(
          b,
          x,
          {
            preference: b.tensor(float32([pairs.length, n], rows.flat())),
            weight: constant(weight),
          },
          diffusionDpoDefaults,
        ),
      formula: (values) =>
        pairs.reduce((sum, [winner, loser], i) => {
          const margin = -2500 * ((values[winner] as number) - (values[loser] as number));
          return sum + (weight[i] as number) * Math.log1p(Math.exp(-margin));
        }, 0),
    });
  });

  it('KTO pulls a good image up and a bad one down, against how well anything is denoised', () => {
    const label = Array.from({ length: n }, (_, i) => (i % 3 === 0 ? -1 : 1));
    return expectFormula({
      x: excess,
      h: 1e-5,
      append: (b, x, constant) =>
        appendKtoLoss(
          b,
          x,
          { label: constant(label), weight: constant(share), baseline: b.scalar(0.2) },
          ktoDefaults,
        ),
      formula: (values) =>
        mean(values.map((value, i) => 1 - sigmoid((label[i] as number) * (-1000 * value - 0.2)))),
    });
  });
});
