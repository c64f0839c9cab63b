/** Diffusion LAIR against its formula in plain numbers, its gradient against differences. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { appendLairLoss, lair, lairAdvantages } from '@/trainer/methods/lair';
import { Engine, outputOf } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const beta = 40;
const temperature = 0.5;
const grades = [1, 0.5, 0.25, 0.25];
const weights = [0.4, 0.1, 0.3, 0.2];
const start = [0.004, -0.006, 0.01, -0.0005];

/** a_i as the file says, in float64. */
const advantages = (() => {
  const raised = grades.map((grade) => Math.exp(grade / temperature));
  const sum = raised.reduce((total, value) => total + value, 0);
  return raised.map((value) => value / sum - 1 / 4);
})();

const formula = (excess: readonly number[]) =>
  excess.reduce((sum, e, i) => {
    const implicit = -beta * e;
    return sum + weights[i]! * (-advantages[i]! * implicit + implicit ** 2 / 2);
  }, 0);

async function shown(excess: readonly number[]) {
  const b = new Builder('lair');
  const x = b.input('x', 'float32', [4]);
  const constant = (values: readonly number[]) => b.tensor(float32([4], [...values]));
  const given = { advantage: constant(advantages), weight: constant(weights) };
  const loss = appendLairLoss(b, x, given, { beta });
  const [gradient] = gradients(b, { of: loss, wrt: [x] });
  b.output(loss, 'loss');
  b.output(gradient!, 'gradient');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'lair' });
  const out = await session.run({ x: float32([4], [...excess]) }, {});
  await session.release();
  return {
    loss: outputOf(out, 'loss', 'float32').data[0]!,
    gradient: [...outputOf(out, 'gradient', 'float32').data],
  };
}

it('is its formula, and so is its gradient', async () => {
  const { loss, gradient } = await shown(start);
  expect(loss / formula(start)).toBeCloseTo(1, 5);
  const h = 1e-6;
  for (const [i, found] of gradient.entries()) {
    const moved = (sign: number) => start.map((v, j) => (i === j ? v + sign * h : v));
    expect(found / ((formula(moved(1)) - formula(moved(-1))) / (2 * h))).toBeCloseTo(1, 4);
  }
});

it('ends where an error is its advantage over beta beside the reference’s', async () => {
  const end = advantages.map((advantage) => -advantage / beta);
  const { gradient } = await shown(end);
  const { gradient: beyond } = await shown(end.map((e) => 2 * e));
  for (const [i, found] of gradient.entries()) {
    expect(Math.abs(found)).toBeLessThan(1e-6);
    // What has gone further is pulled back: down where it was to rise, up where it was to fall.
    expect(Math.sign(beyond[i]!)).toBe(-Math.sign(advantages[i]!));
  }
});

it('takes advantages from a group’s shares, which sum up to nothing', () => {
  const found = lair({ beta, temperature }).advantages!(grades);
  for (const [i, advantage] of found.entries()) expect(advantage).toBeCloseTo(advantages[i]!, 12);
  expect(found.reduce((sum, a) => sum + a, 0)).toBeCloseTo(0, 12);
  expect(lairAdvantages([0.5, 0.5, 0.5], 0.1)).toEqual([0, 0, 0]);
  // Cold: all at the best; hot: in proportion to the shares, here an eighth of a 100th.
  expect(lairAdvantages([1, 0.5, 0], 1e-3)[0]).toBeCloseTo(2 / 3, 6);
  expect(lairAdvantages([1, 0], 100)[0]! * 400).toBeCloseTo(1, 3);
  const { margin, loss } = lair({ beta, temperature }).read(
    [-0.01],
    { weight: 1, advantage: 0.3 },
    0,
  );
  expect([margin, loss]).toEqual([expect.closeTo(0.12, 6), expect.closeTo(0.08 - 0.12, 6)]);
});
