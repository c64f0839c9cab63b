/** Averages of weights against ones worked out step by step, on the graph that training runs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32 } from '@/trainer/graph/tensor';
import { accumulated } from '@/trainer/methods/optimizer/accumulation';
import { decayAt } from '@/trainer/methods/optimizer/moving-average';
import {
  initialState,
  Optimizer,
  producedTensors,
  type TrainState,
} from '@/trainer/methods/optimizer/optimizer';
import { stateOfTensors, tensorsOfState } from '@/trainer/methods/optimizer/state-tensors';
import { Engine } from '@/trainer/runtime/engine';

const adamW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 };
const tensors = [
  { name: 'a', dims: [2, 2] },
  { name: 'b', dims: [3] },
];
const start = () =>
  initialState(
    new Map([
      ['a', float32([2, 2], [1, -2, 3, 0])],
      ['b', float32([3], [0.5, 4, -1])],
    ]),
  );

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const open = (emaDecay?: number) => Optimizer.open(engine, tensors, { adamW, emaDecay });

/** Optimizer steps by gradients that differ from step to step; the state after each. */
async function take(optimizer: Optimizer, steps: readonly number[]): Promise<TrainState[]> {
  const states: TrainState[] = [];
  for (const step of steps) {
    for (const { name, dims } of tensors) {
      const gradient = (i: number) => Math.sin(7 * step + 3 * i + name.charCodeAt(0));
      const size = dims.reduce((product, dim) => product * dim, 1);
      await engine.put(
        accumulated(name),
        float32(
          dims,
          Array.from({ length: size }, (_, i) => gradient(i)),
        ),
      );
    }
    await optimizer.update(0.1);
    states.push(await optimizer.state());
  }
  return states;
}

const valuesOf = (adapter: TrainState['tensors'] | undefined) =>
  [...(adapter ?? [])].flatMap(([, { data }]) => [...data]);

it('keeps a ← d·a + (1 − d)·w of every weight, with d as far as the steps taken allow', async () => {
  const optimizer = await open(0.3);
  await optimizer.load(start());
  const states = await take(optimizer, [1, 2, 3, 4, 5]);
  let expected = valuesOf(start().tensors);
  for (const [i, d] of [0, 2 / 11, 3 / 12, 0.3, 0.3].entries()) {
    const { tensors: raw, averages } = states[i]!;
    const weights = valuesOf(raw);
    expected = expected.map((value, at) => d * value + (1 - d) * weights[at]!);
    const gaps = valuesOf(averages).map((value, at) => Math.abs(value - expected[at]!));
    expect(gaps).toHaveLength(7);
    expect(Math.max(...gaps)).toBeLessThan(1e-6);
  }
  // The first average is the first step's weights, nothing of where they began.
  expect(states[0]?.averages).toEqual(states[0]?.tensors);
  const [last] = states.slice(-1);
  expect(producedTensors(last!)).toBe(last?.averages);
  expect(valuesOf(last?.averages)).not.toEqual(valuesOf(last?.tensors));
  await optimizer.release();
});

it('leaves training itself as it is without one', async () => {
  const [averaging, plain] = [await open(0.9999), await open()];
  await averaging.load(start());
  const [, withAverage] = await take(averaging, [1, 2]);
  await plain.load(start());
  const [, without] = await take(plain, [1, 2]);
  const { averages, ...rest } = withAverage!;
  expect(rest).toEqual(without);
  expect(averages).toBeDefined();
  expect(producedTensors(without!)).toBe(without?.tensors);
  await averaging.release();
  await plain.release();
});

it('goes on from a stored state as if it had never stopped', async () => {
  const optimizer = await open(0.9999);
  await optimizer.load(start());
  const whole = await take(optimizer, [1, 2, 3, 4]);
  const half = whole[1]!;
  await optimizer.load(stateOfTensors(tensorsOfState(half), half.step));
  const [, resumed] = await take(optimizer, [3, 4]);
  expect(resumed).toEqual(whole[3]);
  await optimizer.release();
});

describe('the decay', () => {
  it('is that of diffusers’ EMAModel', () => {
    // EMAModel(decay=0.9999).get_decay(s) for s = 1, 2, 11, 50, 1000, 89990, 89992, 1e6.
    const steps = [1, 2, 11, 50, 1000, 89_990, 89_992, 1e6];
    const wanted = [0, 2 / 11, 11 / 20, 50 / 59, 1000 / 1009, 89_990 / 89_999, 0.9999, 0.9999];
    expect(steps.map((step) => decayAt(step, 0.9999))).toEqual(wanted);
  });
});
