import { afterAll, beforeAll, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { appendD3poLoss } from '@/trainer/methods/d3po';
import { appendDiffusionDpoLoss } from '@/trainer/methods/diffusion-dpo';
import { Engine, outputOf } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const images = 4;
const size = 6;
/** Image 0 wins twice, image 3 loses to it and to 1; 2 beats nobody. */
const pairs: [winner: number, loser: number][] = [
  [0, 2],
  [0, 3],
  [1, 3],
];
const preference = pairs.flatMap(([winner, loser]) =>
  Array.from({ length: images }, (_, i) => Number(i === winner) - Number(i === loser)),
);
/** 2 errs like 0, and three times as far; 3 like nobody, against 1. */
const alike = gaussianNoise('alike', size);
const errors = [
  alike,
  gaussianNoise('1', size),
  alike.map((e) => 3 * e),
  gaussianNoise('1', size).map((e) => -e),
];
const x = [0.02, -0.01, 0.03, 0.01];
const weight = [0.5, 0.3, 0.2];
const margin = 0.4;

/** Value and gradient by x, as the graph has them. */
async function shown(append: (b: Builder, x: Value, hold: (value: Value) => Value) => Value) {
  const b = new Builder('cap');
  const input = b.input('x', 'float32', [1, images]);
  const held: Value[] = [];
  const loss = append(b, input, (value) => {
    held.push(value);
    return value;
  });
  const [gradient] = gradients(b, { of: loss, wrt: [input], stop: held });
  b.output(loss, 'loss');
  b.output(gradient!, 'gradient');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'cap' });
  const out = await session.run({ x: float32([1, images], x) }, {});
  await session.release();
  return {
    loss: outputOf(out, 'loss', 'float32').data[0]!,
    gradient: [...outputOf(out, 'gradient', 'float32').data],
  };
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
const lambdaOf = (winner: number, loser: number) => {
  const shared = dot(errors[winner]!, errors[loser]!);
  const own = dot(errors[winner]!, errors[winner]!);
  return shared > 0 ? Math.min(1, ((1 - margin) * own) / shared) : 1;
};

it.each([
  // Slopes of −ln σ(m) in the margin m, by plain numbers.
  ['D3PO', 1, 10],
  ['Diffusion-DPO', -1, 20],
] as const)(
  'leaves the loss of %s as it is, and caps what goes through losers',
  async (name, sign, scale) => {
    const tensors = (b: Builder) => ({
      preference: b.tensor(float32([pairs.length, images], preference)),
      weight: b.tensor(float32([pairs.length], weight)),
      errors: b.tensor(
        float32(
          [images, size],
          errors.flatMap((e) => [...e]),
        ),
      ),
    });
    const append =
      (capMargin?: number) => (b: Builder, at: Value, hold: (value: Value) => Value) => {
        const { errors: residual, ...given } = tensors(b);
        const cap = capMargin === undefined ? {} : { capMargin };
        if (name === 'D3PO') {
          const zero = b.tensor(float32([1, images], [0, 0, 0, 0]));
          const inputs = { ...given, logProbability: at, referenceLogProbability: zero };
          return appendD3poLoss(b, { ...inputs, residual, hold }, { beta: scale, ...cap }).loss;
        }
        const denoised = { output: residual, target: b.scalar(0), hold };
        const settings = { beta: 2 * scale, ...cap };
        return appendDiffusionDpoLoss(b, b.reshape(at, [images]), given, settings, denoised);
      };
    const [plain, capped] = [await shown(append()), await shown(append(margin))];
    expect(capped.loss).toBeCloseTo(plain.loss, 6);
    const share = name === 'D3PO' ? 1 / pairs.length : 1;
    const wanted = Array<number>(images).fill(0);
    for (const [pair, [winner, loser]] of pairs.entries()) {
      const m = sign * scale * (x[winner]! - x[loser]!);
      const slope = (-weight[pair]! * share * sign * scale) / (1 + Math.exp(m));
      wanted[winner]! += slope;
      wanted[loser]! -= lambdaOf(winner, loser) * slope;
    }
    expect(lambdaOf(0, 2)).toBeCloseTo((1 - margin) / 3, 5);
    expect(lambdaOf(1, 3)).toBe(1);
    for (const [i, found] of capped.gradient.entries()) expect(found).toBeCloseTo(wanted[i]!, 4);
    expect(capped.gradient[2]).not.toBeCloseTo(plain.gradient[2]!, 2);
  },
);
