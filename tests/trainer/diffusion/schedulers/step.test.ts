/**
 * What a step is made of does not depend on how a schedule counts noise: here flow matching, whose
 * x̂0 and ε̂ follow from a velocity.
 */
import { expect, it } from 'vitest';
import type { StepCoefficients } from '@/trainer/diffusion/schedulers/scheduler';
import { predictedMean, takeStep } from '@/trainer/diffusion/schedulers/step';
import { stepProduct } from '@/trainer/diffusion/schedulers/step-product';

/** x̂0 = x − σv and ε̂ = x + (1−σ)v; μ = A·x + B·v, said as signal·x̂0 + direction·ε̂. */
function flowStep(level: number, [a, b]: [number, number], sigma: number): StepCoefficients {
  const [signal, direction] = [(1 - level) * a - b, level * a + b];
  return {
    timestep: 1000 * level,
    previousTimestep: 1000 * (level - 0.1),
    signal,
    direction,
    sigma,
    original: { sample: 1, output: -level },
    noise: { sample: 1, output: 1 - level },
    mean: { sample: a, output: b },
    clip: Number.POSITIVE_INFINITY,
  };
}

const x = Float32Array.of(0.3, -1.2, 2);
const v = Float32Array.of(0.7, 0.1, -0.4);
const z = Float32Array.of(1, -2, 0.5);
const step = flowStep(0.6, [0.97, -0.13], 0.2);

it('gives the mean that the schedule means, and its noise', () => {
  const { previous } = takeStep(step, 1, { sample: x, output: v, noise: z });
  for (const [i, mean] of predictedMean(step, x, v).mean.entries()) {
    expect(mean).toBeCloseTo(0.97 * x[i]! - 0.13 * v[i]!, 6);
    expect(previous[i]).toBeCloseTo(mean + 0.2 * z[i]!, 6);
  }
});

it('goes backwards by the same numbers', () => {
  const gradient = Float32Array.of(1, 2, -3);
  const back = stepProduct(step, 'previous', { sample: x, output: v, gradient });
  for (const i of gradient.keys()) {
    expect(back.sample[i]).toBeCloseTo(0.97 * gradient[i]!, 6);
    expect(back.output[i]).toBeCloseTo(-0.13 * gradient[i]!, 6);
  }
});
