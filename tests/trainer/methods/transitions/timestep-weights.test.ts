import { describe, expect, it } from 'vitest';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import type { StepCoefficients } from '@/trainer/diffusion/schedulers/scheduler';
import { logDensities, predictedMean } from '@/trainer/diffusion/schedulers/step';
import { klPerOutput, timestepWeights } from '@/trainer/methods/transitions/timestep-weights';
import { createRandom } from '@/trainer/random';

const scheduler = new DdimScheduler(
  scheduleConfigSchema.parse({
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    steps_offset: 1,
    clip_sample: false,
  }),
);
const stepsOf = (count: number, eta = 1) =>
  scheduler.timesteps(count).map((timestep) => scheduler.coefficients(timestep, count, eta));
const steps = stepsOf(20);
const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const spread = (values: readonly number[]) => Math.max(...values) / Math.min(...values);

it('knows what a step of Stable Diffusion 1.5 costs', () => {
  // By hand for t = 51 → 1: ᾱ_51 = 0.9464, ᾱ_1 = 0.99829, so σ² = (0.00171/0.0536)(1 −
  // 0.9464/0.99829) = 0.00166, c = √(0.00171 − 0.00166) − √(0.99829·0.0536/0.9464) = −0.221 and
  // c²/2σ² = 14.75.
  const costs = new Map(steps.map((step) => [step.timestep, klPerOutput(step)]));
  const known: [timestep: number, cost: number, digits: number][] = [
    [951, 0.364, 3],
    [701, 0.238, 3],
    [451, 0.194, 3],
    [201, 0.284, 3],
    [101, 0.651, 3],
    [51, 14.75, 1],
    [1, 0.503, 2],
  ];
  for (const [timestep, cost, digits] of known)
    expect(costs.get(timestep)).toBeCloseTo(cost, digits);
  const [last, before] = stepsOf(50).reverse() as [StepCoefficients, StepCoefficients];
  expect(klPerOutput(before)).toBeCloseTo(5.36, 1);
  expect(klPerOutput(last)).toBeCloseTo(0.503, 2);
});

it.each(['uniform', 'equal-slope', 'equal-kl'] as const)(
  '%s has a mean of 1 over what is trained',
  (weighting) => {
    for (const trained of [steps, steps.slice(0, 8)]) {
      expect(mean(timestepWeights(weighting, trained))).toBeCloseTo(1, 12);
    }
  },
);

describe('the same change of the output', () => {
  const random = createRandom(11);
  const elements = 64;
  const values = () => Float32Array.from({ length: elements }, () => random.gaussian());
  const [sample, output, noise, other] = [values(), values(), values(), values()];

  /** ln π_θ − ln π_ref of a step's transition where θ says `change` more than the reference did. */
  function logRatio(step: StepCoefficients, drawn: Float32Array, change: Float32Array): number {
    const reference = predictedMean(step, sample, output).mean;
    const moved = output.map((value, i) => value + change[i]!);
    const next = reference.map((value, i) => value + step.sigma * drawn[i]!);
    const density = (at: Float32Array) => logDensities(next, at, step.sigma, 1)[0]!;
    return density(predictedMean(step, sample, moved).mean) - density(reference);
  }
  const weighted = (
    weighting: 'uniform' | 'equal-slope' | 'equal-kl',
    of: (s: StepCoefficients) => number,
  ) => timestepWeights(weighting, steps).map((weight, i) => weight * of(steps[i]!));

  it('moves every margin alike by equal slopes, while it is small', () => {
    const small = noise.map((value, i) => 1e-4 * (value - other[i]!));
    const margin = (step: StepCoefficients) =>
      -(logRatio(step, noise, small) - logRatio(step, other, small));
    expect(spread(weighted('uniform', margin))).toBeGreaterThan(8);
    expect(spread(weighted('equal-slope', margin))).toBeLessThan(1.03);
  });

  it('costs every step alike by equal KL', () => {
    // Against the mean of both signs of the noise, whose first parts cancel.
    const cost = (step: StepCoefficients) =>
      -(
        logRatio(step, noise, other) +
        logRatio(
          step,
          noise.map((z) => -z),
          other,
        )
      ) / 2;
    expect(spread(weighted('uniform', cost))).toBeGreaterThan(70);
    expect(spread(weighted('equal-kl', cost))).toBeLessThan(1.01);
  });
});

it('says where a weight has no value', () => {
  expect(() => timestepWeights('equal-kl', stepsOf(20, 0))).toThrow(/sigma 0.+eta above 0/);
  expect(timestepWeights('uniform', stepsOf(20, 0))).toEqual(Array<number>(20).fill(1));
});
