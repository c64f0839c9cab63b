import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectDtype, float32, type Tensor } from '@/trainer/graph/tensor';
import { learningRateFactor } from '@/trainer/hands/pretrain/schedule';
import { runStage } from '@/trainer/hands/pretrain/stage';
import { ADAMW, averagedWeights, type Network, Training } from '@/trainer/hands/pretrain/training';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
const folder = mkdtempSync(join(tmpdir(), 'hands-training-'));

beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

/** loss = sum of x·w² over a matrix and a vector, so that the gradient is 2·x·w. */
const parabola: Network = (layers) => {
  const b = layers.builder;
  const x = b.input('x', 'float32', [2, 2]);
  const matrix = layers.weight(['layer'], 'weight', [2, 2]);
  const vector = layers.weight(['layer'], 'bias', [2]);
  const both = b.add(
    b.reduceSum(b.mul(x, b.mul(matrix, matrix)), [0, 1], false),
    b.reduceSum(b.mul(vector, vector), [0], false),
  );
  return { loss: both };
};

const START = new Map<string, Tensor>([
  ['layer.weight', float32([2, 2], [1, -2, 0.5, 3])],
  ['layer.bias', float32([2], [0.7, -0.1])],
]);
const x = (step: number) => [1, 0.1 * step, -0.3, 0.5 / step];

/** AdamW as the paper writes it, in double precision. */
function reference(steps: number, learningRate: number): number[] {
  const weights = [1, -2, 0.5, 3, 0.7, -0.1];
  const first = weights.map(() => 0);
  const second = weights.map(() => 0);
  const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = ADAMW;
  for (let step = 1; step <= steps; step++) {
    const factors = [...x(step), 1, 1];
    const raw = weights.map((weight, at) => 2 * weight * factors[at]!);
    const norm = Math.hypot(...raw);
    raw.forEach((value, at) => {
      const gradient = value * Math.min(1, maxGradNorm / norm);
      first[at] = beta1 * first[at]! + (1 - beta1) * gradient;
      second[at] = beta2 * second[at]! + (1 - beta2) * gradient ** 2;
      const mean = first[at] / (1 - beta1 ** step);
      const spread = Math.sqrt(second[at] / (1 - beta2 ** step)) + epsilon;
      const decay = at < 4 ? learningRate * weightDecay * weights[at]! : 0;
      weights[at] = weights[at]! - decay - (learningRate * mean) / spread;
    });
  }
  return weights;
}

async function weightsOf(training: Training): Promise<number[]> {
  const state = await training.state();
  return ['weight/layer.weight', 'weight/layer.bias'].flatMap((slot) => [
    ...expectDtype(state.get(slot) as Tensor, 'float32', slot).data,
  ]);
}

test('AdamW in the graph is AdamW', async () => {
  const training = await Training.compile(engine, 'parabola', parabola);
  await training.start(START);
  for (let step = 1; step <= 6; step++) {
    await training.step({ x: float32([2, 2], x(step)) }, 0.05, step);
  }
  const wanted = reference(6, 0.05);
  (await weightsOf(training)).forEach((weight, at) => {
    expect(weight).toBeCloseTo(wanted[at]!, 5);
  });
});

test('the running average moves by the share that it is told', async () => {
  const training = await Training.compile(engine, 'parabola', parabola);
  await training.start(START);
  await training.step({ x: float32([2, 2], x(1)) }, 0.1, 1);
  const [moved] = await weightsOf(training);
  await training.average(0.75);
  const average = averagedWeights(await training.state()).get('layer.weight') as Tensor;
  const value = expectDtype(average, 'float32', 'average').data[0];
  expect(value).toBeCloseTo(0.75 * 1 + 0.25 * (moved as number), 6);
});

test('a stage that was stopped goes on to the same weights', async () => {
  const settings = {
    batch: 1,
    learningRate: 0.05,
    warmUpSteps: 2,
    decaySteps: 1,
    averageDecay: 0.9,
    seed: 5,
  };
  const run = async (name: string, steps: number, stopAt = Number.POSITIVE_INFINITY) => {
    let done = 0;
    const training = await Training.compile(engine, 'parabola', parabola);
    await runStage({
      name,
      folder,
      settings: { ...settings, steps },
      training,
      checkpointSeconds: 0,
      batch: (random) => {
        if (done++ === stopAt) throw new Error('stopped here');
        return {
          x: float32(
            [2, 2],
            [1, 2, 3, 4].map(() => random.gaussian()),
          ),
        };
      },
      show: async () => {},
    });
    return weightsOf(training);
  };
  const whole = await run('whole', 8);
  await expect(run('stopped', 8, 5)).rejects.toThrow('stopped here');
  expect(await run('stopped', 8)).toEqual(whole);
  expect(readdirSync(folder).filter((file) => file.endsWith('.part'))).toEqual([]);
});

test('the learning rate warms up, stays and falls', () => {
  const settings = { steps: 100, warmUpSteps: 10, decaySteps: 40, floor: 0.02 };
  expect(learningRateFactor(5, settings)).toBeCloseTo(0.5);
  expect(learningRateFactor(11, settings)).toBe(1);
  expect(learningRateFactor(60, settings)).toBe(1);
  expect(learningRateFactor(80, settings)).toBeCloseTo(0.51);
  expect(learningRateFactor(100, settings)).toBeCloseTo(0.02);
});
