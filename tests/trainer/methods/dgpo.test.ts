/**
 * DGPO's loss against its formula in plain numbers, its gradient against differences of that, and
 * against Diffusion-DPO's where a group is a pair.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { appendDgpoLoss, dgpoAdvantages, groupWeights } from '@/trainer/methods/dgpo';
import { Engine, outputOf } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const images = 6;
const each = 8;
const dims = [images, 2, 2, 2];
const grades = [1, 0.5, 0, 0.75, 0.25, 0.5];
const groups = [0, 0, 0, 1, 1, 1];
const weights = [0.4, 0.1, 0.3, 0.2, 0.5, 0.6];
const beta = 3;
const settings = { klCoefficient: 0.3, clipRange: 0.2 };
const numbers = (name: string) => [...gaussianNoise(name, images * each)];
const [old, reference, target] = ['old', 'reference', 'target'].map(numbers);

const sum = (values: readonly number[]) => values.reduce((total, v) => total + v, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const own = <T>(values: readonly T[], image: number) =>
  values.slice(image * each, (image + 1) * each);
/** m of one image. */
const error = (said: readonly number[], image: number) =>
  mean(own(said, image).map((v, i) => (v - own(target!, image)[i]!) ** 2));

/** A in float64, as the file says. */
const advantages = groups.map((group, i) => {
  const those = grades.filter((_, j) => groups[j] === group);
  const spread = Math.sqrt(mean(those.map((grade) => (grade - mean(those)) ** 2)));
  return (grades[i]! - mean(those)) / spread;
});

/** w in float64. */
const weightsAt = (said: readonly number[]) =>
  groups.map((group) => {
    const terms = groups.flatMap((other, i) =>
      other === group ? [advantages[i]! * (error(said, i) - error(reference!, i))] : [],
    );
    return 1 / (1 + Math.exp(-beta * mean(terms)));
  });

/** Whether an image has gone as far as it may. */
const frozen = (said: readonly number[], i: number) => {
  const ratio = Math.exp(error(old!, i) - error(said, i));
  return advantages[i]! > 0 ? ratio > 1 + settings.clipRange : ratio < 1 - settings.clipRange;
};

/** @param at where w and what is frozen are taken */
function formula(said: readonly number[], at: readonly number[]): number {
  const w = weightsAt(at);
  return sum(
    grades.map((_, i) => {
      const taught = frozen(at, i) ? 0 : w[i]! * advantages[i]! * error(said, i);
      const distance = mean(own(said, i).map((v, j) => (v - own(reference!, i)[j]!) ** 2));
      return weights[i]! * (taught + settings.klCoefficient * distance);
    }),
  );
}

async function shown(said: readonly number[], { klCoefficient } = settings) {
  const b = new Builder('dgpo');
  const x = b.input('x', 'float32', dims);
  const constant = (values: readonly number[], shape: readonly number[]) =>
    b.tensor(float32([...shape], Float32Array.from(values)));
  const excess = grades.map((_, i) => error(said, i) - error(reference!, i));
  const given = groups.map((group, i) => ({ group, advantage: advantages[i]! }));
  const { loss, each: own } = appendDgpoLoss(
    b,
    {
      output: x,
      reference: constant(reference!, dims),
      target: constant(target!, dims),
      old: constant(old!, dims),
    },
    {
      advantage: constant(advantages, [images]),
      groupWeight: constant(groupWeights(excess, given, beta), [images]),
      weight: constant(weights, [images]),
    },
    { ...settings, klCoefficient },
  );
  const [gradient] = gradients(b, { of: loss, wrt: [x] });
  b.output(loss, 'loss');
  b.output(own, 'each');
  b.output(gradient!, 'gradient');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'dgpo' });
  const out = await session.run({ x: float32(dims, Float32Array.from(said)) }, {});
  await session.release();
  return {
    loss: outputOf(out, 'loss', 'float32').data[0]!,
    each: [...outputOf(out, 'each', 'float32').data],
    gradient: [...outputOf(out, 'gradient', 'float32').data],
  };
}

/** Beside the old policy: some images have moved too far, some not. */
const near = numbers('moved').map((v, i) => old![i]! + 0.05 * v);
const far = near.map((v, i) => {
  const image = Math.floor(i / each);
  // The best of the first group towards what is true, its worst away, the second's best away.
  const share = [0.4, 0, -0.3, -0.3, 0, 0][image]!;
  return v + share * (target![i]! - v);
});

it.each([
  ['near the old policy', near, []],
  ['far from it', far, [0, 2]],
] as const)('has the gradient of its formula %s', async (_, said, ended) => {
  expect(grades.flatMap((_, i) => (frozen(said, i) ? [i] : []))).toEqual(ended);
  const { loss, gradient, each: own } = await shown(said);
  expect(loss).toBeCloseTo(sum(own.map((v, i) => weights[i]! * v)), 5);
  const h = 1e-5;
  const size = Math.max(...gradient.map(Math.abs));
  for (const [i, found] of gradient.entries()) {
    const moved = (sign: number) => said.map((v, j) => (i === j ? v + sign * h : v));
    const slope = (formula(moved(1), said) - formula(moved(-1), said)) / (2 * h);
    expect(Math.abs(found - slope) / size).toBeLessThan(1e-4);
  }
});

it('teaches nothing more to an image that has gone far enough, and pulls back one that drifted', async () => {
  const { gradient } = await shown(far, { ...settings, klCoefficient: 0 });
  const length = (image: number) => Math.hypot(...own(gradient, image));
  expect([length(0), length(2)]).toEqual([0, 0]);
  expect(length(3)).toBeGreaterThan(0);
});

it('takes weights from whole groups, and no group without a lead counts', () => {
  const excess = [0.2, -0.1, 0.4, 0, 0.3, -0.2];
  const given = groups.map((group, i) => ({ group, advantage: advantages[i]! }));
  const found = groupWeights(excess, given, beta);
  for (const [i, group] of groups.entries()) {
    const terms = excess.filter((_, j) => groups[j] === group);
    const those = advantages.filter((_, j) => groups[j] === group);
    const wanted = 1 / (1 + Math.exp(-beta * mean(terms.map((e, j) => e * those[j]!))));
    expect(found[i]).toBeCloseTo(wanted, 12);
  }
  for (const [i, a] of dgpoAdvantages([1, 0.5, 0]).entries()) {
    expect(a).toBeCloseTo(advantages[i]!, 12);
  }
  expect(dgpoAdvantages([0.3, 0.3, 0.3])).toEqual([0, 0, 0]);
});

it('is Diffusion-DPO over beta where groups are pairs', () => {
  const [winner, loser] = [0.02, -0.01];
  const pair = dgpoAdvantages([1, 0]).map((advantage) => ({ advantage, group: 0 }));
  const [w] = groupWeights([winner, loser], pair, beta);
  // Of −ln σ(−β/2·(winner − loser)) by the winner's error, over beta; the mean is over two images.
  const h = 1e-6;
  const dpo = (e: number) => Math.log1p(Math.exp((beta / 2) * (e - loser)));
  const slope = (dpo(winner + h) - dpo(winner - h)) / (2 * h);
  expect((w! * pair[0]!.advantage) / 2).toBeCloseTo(slope / beta, 8);
});
