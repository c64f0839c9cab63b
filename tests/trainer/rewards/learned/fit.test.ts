import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRandom } from '@/trainer/random';
import { type Evidence, fitLogistic } from '@/trainer/rewards/learned/fit';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const width = 6;
const settings = { folds: 4, ridge: 0.1, intercept: true };

function evidence(count: number, seed: number): Evidence[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const x = Float32Array.from({ length: width }, () => random.gaussian());
    const odds = 2 * x[0]! - x[1]! + 0.5;
    const label = random.chance(0.1) ? 0.5 : Number(random.chance(1 / (1 + Math.exp(-odds))));
    return { x, label, weight: random.between(0.5, 2), fold: i % settings.folds };
  });
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

it('ends where the gradient of the objective vanishes', async () => {
  const given = evidence(120, 1);
  const { weights, intercept } = await fitLogistic(engine, given, settings);
  const total = given.reduce((sum, { weight }) => sum + weight, 0);
  const gradient = new Float64Array(width + 1);
  for (const { x, label, weight } of given) {
    const error = 1 / (1 + Math.exp(-dot(x, weights) - intercept)) - label;
    x.forEach((value, i) => {
      gradient[i] = gradient[i]! + (weight / total) * error * value;
    });
    gradient[width] = gradient[width]! + (weight / total) * error;
  }
  weights.forEach((value, i) => {
    gradient[i] = gradient[i]! + settings.ridge * value;
  });
  expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-4);
  expect(weights[0]).toBeGreaterThan(0.3);
  expect(weights[1]).toBeLessThan(-0.1);
});

it('predicts each fold by a fit that has not seen it', async () => {
  const given = evidence(60, 2);
  const before = await fitLogistic(engine, given, settings);
  const turned = given.map((one) => (one.fold === 2 ? { ...one, label: 1 - one.label } : one));
  const after = await fitLogistic(engine, turned, settings);
  for (const [i, { fold }] of given.entries()) {
    if (fold === 2) expect(after.heldOut[i]).toBe(before.heldOut[i]);
    else expect(after.heldOut[i]).not.toBe(before.heldOut[i]);
  }
  expect(after.weights).not.toEqual(before.weights);
});

it('gives the weights of each fit that leaves a fold out', async () => {
  const given = evidence(60, 4);
  const whole = await fitLogistic(engine, given, settings);
  expect(whole.without).toHaveLength(settings.folds);
  const rest = given.filter(({ fold }) => fold !== 1);
  const alone = await fitLogistic(engine, rest, settings);
  for (const [i, value] of whole.without[1]!.entries()) {
    expect(value).toBeCloseTo(alone.weights[i]!, 4);
  }
});

it('has no intercept where none is wanted, and learns nothing from ties', async () => {
  const ties = evidence(40, 3).map((one) => ({ ...one, label: 0.5 }));
  const { weights, intercept } = await fitLogistic(engine, ties, { ...settings, intercept: false });
  expect(intercept).toBe(0);
  expect(Math.max(...weights.map(Math.abs))).toBeLessThan(1e-4);
});
