/** @file One step from x_t to x_t', whichever scheduler gave its numbers, and its density. */
import type { StepCoefficients } from './scheduler';

export interface StepResult {
  /** x_t'. */
  previous: Float32Array;
  /** x̂0. */
  original: Float32Array;
  /** One per image; undefined where σ is 0 and the step has no density. */
  logProbabilities: Float64Array | undefined;
}

/**
 * One step for `images` images laid one after the other in `sample` (x_t), `output` (the model's,
 * guided), `noise` (z) and `before` (x̂0 of the last step, if there was one).
 */
export function takeStep(
  coefficients: StepCoefficients,
  images: number,
  {
    sample,
    output,
    noise,
    before,
  }: {
    sample: Float32Array;
    output: Float32Array;
    noise: Float32Array;
    before?: Float32Array | undefined;
  },
): StepResult {
  const { sigma, history = 0 } = coefficients;
  const { mean, original } = predictedMean(coefficients, sample, output);
  if (history !== 0 && before) for (const [i, x] of before.entries()) mean[i]! += history * x;
  const previous = mean.map((value, i) => value + sigma * noise[i]!);
  const logProbabilities = sigma > 0 ? logDensities(previous, mean, sigma, images) : undefined;
  return { previous, original, logProbabilities };
}

/** μ, but for what the last step adds, and x̂0 of a step. */
export function predictedMean(
  { original: toOriginal, noise: toNoise, signal, direction, clip }: StepCoefficients,
  sample: Float32Array,
  output: Float32Array,
): { mean: Float32Array; original: Float32Array } {
  const original = new Float32Array(sample.length);
  const mean = new Float32Array(sample.length);
  for (let i = 0; i < sample.length; i++) {
    const x = sample[i]!;
    const out = output[i]!;
    const clean = toOriginal.sample * x + toOriginal.output * out;
    const clipped = Math.min(Math.max(clean, -clip), clip);
    original[i] = clipped;
    mean[i] = signal * clipped + direction * (toNoise.sample * x + toNoise.output * out);
  }
  return { mean, original };
}

/** ln N(x; mean, σ²) per image, averaged (not summed) over its elements. */
export function logDensities(
  x: Float32Array,
  mean: Float32Array,
  sigma: number,
  images: number,
): Float64Array {
  const size = x.length / images;
  const constant = -Math.log(sigma) - 0.5 * Math.log(2 * Math.PI);
  return Float64Array.from({ length: images }, (_, image) => {
    let squares = 0;
    for (let i = image * size; i < (image + 1) * size; i++) {
      squares += (x[i]! - mean[i]!) ** 2;
    }
    return -squares / size / (2 * sigma * sigma) + constant;
  });
}
