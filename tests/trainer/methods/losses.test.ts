/**
 * Losses against their formulas in plain numbers, and their gradients against finite differences of
 * those.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { appendD3poLoss } from '@/trainer/methods/d3po';
import { appendDdpoLoss } from '@/trainer/methods/ddpo';
import { appendDiffusionDpoLoss } from '@/trainer/methods/diffusion-dpo';
import { appendDpokLoss } from '@/trainer/methods/dpok';
import { appendKtoLoss } from '@/trainer/methods/kto';
import type { ClipForm } from '@/trainer/methods/transitions/clip-form';
import { createRandom } from '@/trainer/random';
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

/** The loss and its gradient by x, as the graph has them. */
async function lossAt({
  append,
  x,
}: Pick<Case, 'append' | 'x'>): Promise<{ loss: number; gradient: number[] }> {
  const b = new Builder('loss');
  const input = b.input('x', 'float32', [n]);
  const loss = append(b, input, (values) => b.tensor(float32([values.length], values)));
  const [gradient] = gradients(b, { of: loss, wrt: [input] });
  b.output(loss, 'loss');
  b.output(gradient as Value, 'gradient');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'loss' });
  const out = await session.run({ x: float32([n], x) }, {});
  await session.release();
  return {
    loss: outputOf(out, 'loss', 'float32').data[0]!,
    gradient: [...outputOf(out, 'gradient', 'float32').data],
  };
}

async function expectFormula({ append, formula, x, h }: Case): Promise<void> {
  const { loss, gradient: found } = await lossAt({ append, x });
  const rounded = [...Float32Array.from(x)];
  expect(loss).toBeCloseTo(formula(rounded), 4);
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

describe('D3PO', () => {
  const range = 0.1;
  const [low, high] = [Math.log(1 - range), Math.log(1 + range)];
  const beta = 10;
  // Image 0 wins twice, 4 both wins and loses, 7 stands in no pair.
  const pairs: [winner: number, loser: number][] = [
    [0, 1],
    [0, 4],
    [2, 3],
    [4, 5],
    [6, 5],
  ];
  const preference = pairs.flatMap(([winner, loser]) =>
    Array.from({ length: n }, (_, i) => Number(i === winner) - Number(i === loser)),
  );
  const append =
    (form: ClipForm | undefined, extra: { smoothing?: number[]; weights?: number[] } = {}) =>
    (b: Builder, x: Value, constant: (values: readonly number[]) => Value) => {
      const { smoothing, weights } = extra;
      return appendD3poLoss(
        b,
        {
          logProbability: b.reshape(x, [1, n]),
          referenceLogProbability: b.tensor(float32([1, n], reference)),
          preference: b.tensor(float32([pairs.length, n], preference)),
          weight: constant([1, 0.5, 1, 1, 1 / 3]),
          ...(smoothing && { smoothing: constant(smoothing) }),
          ...(weights && { timestepWeight: b.tensor(float32([1, n], weights)) }),
        },
        { beta, ...(form && { clipRange: range, clipForm: form }) },
      ).loss;
    };
  const bounded: Record<ClipForm | 'none', (x: number, side: 'winner' | 'loser') => number> = {
    none: (x) => x,
    hard: (x) => clip(x, low, high),
    soft: (x) => x / Math.hypot(1, x / (x < 0 ? low : high)),
    'ppo-min': (x, side) => (side === 'winner' ? Math.min(x, high) : Math.max(x, low)),
  };
  const reference = Array.from({ length: n }, (_, i) => -1 - i / 8);
  const logRatios = [0.3, -0.3, -0.4, 0.2, 0.03, 0, -0.05, 0.1];
  const x = logRatios.map((ratio, i) => reference[i]! + ratio);
  const formula =
    (form: ClipForm | 'none', smoothing = [0, 0, 0, 0, 0], weights = Array<number>(n).fill(1)) =>
    (values: readonly number[]) => {
      const counted = (image: number, side: 'winner' | 'loser') => {
        const ratio = values[image]! - Math.fround(reference[image]!);
        return bounded[form](ratio * weights[image]!, side);
      };
      const losses = pairs.map(([winner, loser], i) => {
        const margin = beta * (counted(winner, 'winner') - counted(loser, 'loser'));
        const s = smoothing[i]!;
        return -(1 - s) * Math.log(sigmoid(margin)) - s * Math.log(sigmoid(-margin));
      });
      return mean(losses.map((loss, i) => loss * [1, 0.5, 1, 1, 1 / 3][i]!));
    };
  const doubt = [0.1, 0.4, 0, 0.25, 0.499];
  const weights = [0.1, 0.5, 1, 2, 3, 0.2, 1, 1];

  it.each(['hard', 'soft', 'ppo-min', 'none'] as const)('bounds log-ratios: %s', (form) =>
    expectFormula({
      x,
      h: 1e-4,
      append: append(form === 'none' ? undefined : form),
      formula: formula(form),
    }),
  );

  it.each(['hard', 'soft', 'ppo-min', 'none'] as const)('doubts and weighs steps: %s', (form) =>
    expectFormula({
      x,
      h: 1e-4,
      append: append(form === 'none' ? undefined : form, { smoothing: doubt, weights }),
      formula: formula(form, doubt, weights),
    }),
  );

  it('is the same to the bit without doubt and at weights of 1', async () => {
    const none = { smoothing: pairs.map(() => 0), weights: Array<number>(n).fill(1) };
    expect(await lossAt({ x, append: append('hard', none) })).toEqual(
      await lossAt({ x, append: append('hard') }),
    );
  });

  /**
   * Log-ratios of a winner and a loser; the gradient's sign by each: −1 raises the image's
   * probability.
   */
  const directions = async (form: ClipForm, [winner, loser]: [number, number]) => {
    const at = [winner, loser, 0, 0, 0, 0, 0, 0].map((ratio, i) => reference[i]! + ratio);
    const { gradient } = await lossAt({ x: at, append: append(form) });
    return [Math.sign(gradient[0]!), Math.sign(gradient[1]!)];
  };

  it('pulls back what drifted the wrong way, except where it is clamped', async () => {
    const astray: [number, number] = [-5, 5];
    expect((await directions('hard', astray)).map(Math.abs)).toEqual([0, 0]);
    expect(await directions('soft', astray)).toEqual([-1, 1]);
    expect(await directions('ppo-min', astray)).toEqual([-1, 1]);
  });

  it('lets go of what went far enough, except softly', async () => {
    const far: [number, number] = [0.5, -0.5];
    expect((await directions('hard', far)).map(Math.abs)).toEqual([0, 0]);
    expect((await directions('ppo-min', far)).map(Math.abs)).toEqual([0, 0]);
    expect(await directions('soft', far)).toEqual([-1, 1]);
  });

  it.each(['hard', 'soft', 'ppo-min'] as const)('starts with the full slope: %s', async (form) => {
    const at = { x: reference.map(Math.fround) };
    const { gradient } = await lossAt({ ...at, append: append(form) });
    const free = await lossAt({ ...at, append: append(undefined) });
    gradient.forEach((slope, i) => {
      expect(slope).toBeCloseTo(free.gradient[i]!, 6);
    });
  });
});

describe('policy gradients', () => {
  const random = createRandom(3);
  const advantage = Array.from({ length: n }, () => 3 * random.gaussian());
  advantage[0] = 40;
  const old = Array.from({ length: n }, () => random.gaussian());
  // Well inside the clip, and well outside it on both sides.
  const distance = [0, 0.5, -0.5, 0.02, -0.02, 0.4, -0.4, 0.01];
  const x = old.map((value, i) => value + distance[i]!);
  const ratio = (values: readonly number[], i: number) =>
    Math.exp(values[i]! - (Math.fround(old[i]!) as number));

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
          advantage.map((a, i) => 0.5 * values[i]! ** 2 - 2 * a * clip(ratio(values, i), 0.9, 1.1)),
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
          { beta: 5000 },
        ),
      formula: (values) =>
        pairs.reduce((sum, [winner, loser], i) => {
          const margin = -2500 * (values[winner]! - values[loser]!);
          return sum + weight[i]! * Math.log1p(Math.exp(-margin));
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
          { beta: 1000 },
        ),
      formula: (values) =>
        mean(values.map((value, i) => 1 - sigmoid((label[i]! as number) * (-1000 * value - 0.2)))),
    });
  });
});
