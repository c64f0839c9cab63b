/**
 * @file The density of one transition as graph nodes: ln p(x_t' | x_t) as a mean over C, H, W, as
 * DDPO and D3PO take it, and the KL divergence between two policies' transitions. Numbers of the
 * step come in as inputs, one per row.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { StepCoefficients } from '../schedulers/scheduler';

const names = [
  'originalFromSample',
  'originalFromOutput',
  'noiseFromSample',
  'noiseFromOutput',
  'signal',
  'direction',
  'sigma',
  'logSigma',
] as const;

/** The step's numbers as values of shape [n, 1, 1, 1]. */
export type StepValues = Record<(typeof names)[number], Value>;

/** Declares the step's numbers as graph inputs of shape [n]. */
export function stepInputs(b: Builder, n: number): StepValues {
  return Object.fromEntries(
    names.map((name) => [name, b.reshape(b.input(name, 'float32', [n]), [n, 1, 1, 1])]),
  ) as StepValues;
}

/**
 * Feeds for `stepInputs`: one step's coefficients per row. @throws RangeError where η = 0 leaves no
 * density
 */
export function stepFeeds(steps: readonly StepCoefficients[]): Record<string, Tensor> {
  const flat = steps.find((step) => !(step.sigma > 0));
  if (flat) {
    throw new RangeError(
      `The step at t = ${flat.timestep} has sigma 0, so a transition has no density: sample with eta above 0.`,
    );
  }
  const read: Record<(typeof names)[number], (step: StepCoefficients) => number> = {
    originalFromSample: (s) => s.original.sample,
    originalFromOutput: (s) => s.original.output,
    noiseFromSample: (s) => s.noise.sample,
    noiseFromOutput: (s) => s.noise.output,
    signal: (s) => s.signal,
    direction: (s) => s.direction,
    sigma: (s) => s.sigma,
    logSigma: (s) => Math.log(s.sigma),
  };
  return Object.fromEntries(
    names.map((name) => [name, float32([steps.length], steps.map(read[name]))]),
  );
}

/**
 * μ of the transition from x_t and the (guided) model output, [n, C, H, W]. `clip` bounds |x̂0|
 * where finite.
 */
export function appendMean(
  b: Builder,
  step: StepValues,
  sample: Value,
  output: Value,
  clip: number,
): Value {
  const mix = (a: Value, c: Value) => b.add(b.mul(a, sample), b.mul(c, output));
  let original = mix(step.originalFromSample, step.originalFromOutput);
  if (Number.isFinite(clip)) original = b.op('Clip', [original, b.scalar(-clip), b.scalar(clip)]);
  return b.add(
    b.mul(step.signal, original),
    b.mul(step.direction, mix(step.noiseFromSample, step.noiseFromOutput)),
  );
}

/** ln N(next; mean, σ²) per row, [n]: the mean over elements, not the sum. */
export function appendLogProbability(
  b: Builder,
  step: StepValues,
  next: Value,
  mean: Value,
): Value {
  const scaled = b.div(b.sub(next, mean), step.sigma);
  const quadratic = b.scale(b.reduceMean(b.mul(scaled, scaled), [1, 2, 3]), -0.5);
  const constant = b.add(step.logSigma, b.scalar(0.5 * Math.log(2 * Math.PI)));
  return b.reshape(b.sub(quadratic, constant), [b.dims(next)[0]!]);
}

/** KL of two transitions with one variance, ‖μ − μ_ref‖²/(2σ²) as a mean over elements, [n]. */
export function appendTransitionKl(
  b: Builder,
  step: StepValues,
  mean: Value,
  referenceMean: Value,
): Value {
  const scaled = b.div(b.sub(mean, referenceMean), step.sigma);
  return b.reshape(b.scale(b.reduceMean(b.mul(scaled, scaled), [1, 2, 3]), 0.5), [
    b.dims(mean)[0]!,
  ]);
}
