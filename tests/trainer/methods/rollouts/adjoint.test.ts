/**
 * The regression on a lean adjoint for denoisers that are matrices, against the same in plain
 * numbers.
 */
import { expect, it } from 'vitest';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { schedulerFileSchema, schedulerOf } from '@/trainer/diffusion/schedulers/scheduler-file';
import { takeStep } from '@/trainer/diffusion/schedulers/step';
import { matchAdjoint } from '@/trainer/methods/rollouts/adjoint';
import type { RolloutStep } from '@/trainer/methods/rollouts/roller';

const size = 3;
const count = 5;
const numbers = (name: string, n: number) => [...gaussianNoise(name, n)];
/** What the reference policy says of x, and what the policy says beyond it. */
const reference = numbers('reference', size * size).map((v) => 0.3 * v);
const beyond = numbers('beyond', size * size).map((v) => 0.1 * v);
const times = (matrix: readonly number[], x: readonly number[]) =>
  x.map((_, i) => x.reduce((sum, v, j) => sum + matrix[i * size + j]! * v, 0));
const transposed = (matrix: readonly number[], x: readonly number[]) =>
  x.map((_, j) => x.reduce((sum, v, i) => sum + matrix[i * size + j]! * v, 0));

const schedulers = {
  diffusion: schedulerOf(schedulerFileSchema.parse({ timestep_spacing: 'trailing' })),
  flow: schedulerOf(
    schedulerFileSchema.parse({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 }),
  ),
};

function pathOf(name: keyof typeof schedulers): RolloutStep[] {
  const scheduler = schedulers[name];
  const steps: RolloutStep[] = [];
  let sample: Float32Array = Float32Array.from(numbers('x_T', size));
  for (const timestep of scheduler.movingTimesteps(count, 1)) {
    const coefficients = scheduler.coefficients(timestep, count, 1);
    const both = reference.map((v, i) => v + beyond[i]!);
    const output = Float32Array.from(times(both, [...sample]));
    const noise = Float32Array.from(numbers(`z ${timestep}`, size));
    const taken = takeStep(coefficients, 1, { sample, output, noise });
    steps.push({ coefficients, sample, output, logProbabilities: taken.logProbabilities });
    sample = taken.previous;
  }
  return steps;
}

it.each(['diffusion', 'flow'] as const)(
  'is its formula, and so is its gradient: %s',
  async (name) => {
    const steps = pathOf(name);
    const cost = numbers('cost', size);
    const trained = [1, 3];
    const share = 0.25;
    const found = new Map<number, number[]>();
    const { loss, kl } = await matchAdjoint({ trained }, steps, Float32Array.from(cost), share, {
      product: async (step, v) => found.set(steps.indexOf(step), [...v]),
      reference: async ({ sample }) => Float32Array.from(times(reference, [...sample])),
      referenceProduct: async (_, v) => Float32Array.from(transposed(reference, [...v])),
    });

    // a_t of every state, back along the reference policy's means, whose slope by x is a matrix.
    const adjoints = [cost];
    for (const { coefficients } of [...steps].reverse()) {
      const { sample, output } = coefficients.mean;
      const [last] = adjoints as [number[]];
      const through = transposed(reference, last);
      adjoints.unshift(last.map((a, i) => sample * a + output * through[i]!));
    }
    const outputs = steps.map(({ output }) => [...output]);
    const wanted = (said: readonly (readonly number[])[], withAdjoint: boolean) => {
      const each = trained.flatMap((i) => {
        const { sample, coefficients } = steps[i]!;
        const there = times(reference, [...sample]);
        return there.map((other, at) => {
          const apart = (coefficients.mean.output * (said[i]![at]! - other)) / coefficients.sigma;
          return (
            0.5 * (apart + (withAdjoint ? coefficients.sigma * adjoints[i + 1]![at]! : 0)) ** 2
          );
        });
      });
      return each.reduce((sum, v) => sum + v, 0) / each.length;
    };
    expect(loss / wanted(outputs, true)).toBeCloseTo(1, 4);
    expect(kl / wanted(outputs, false)).toBeCloseTo(1, 4);
    expect([...found.keys()].sort()).toEqual(trained);
    const h = 1e-4;
    for (const [i, v] of found) {
      for (const [at, slope] of v.entries()) {
        const moved = (sign: number) =>
          outputs.map((own, j) => own.map((o, k) => (j === i && k === at ? o + sign * h : o)));
        const difference = (wanted(moved(1), true) - wanted(moved(-1), true)) / (2 * h);
        expect(slope / share).toBeCloseTo(difference, 4);
      }
    }
  },
);
