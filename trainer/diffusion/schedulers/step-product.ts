/**
 * @file A step backwards: how a gradient at what a step gives (x_t' or x̂0) reaches what the step
 * took, x_t and the model's output. The path through the UNet itself, from its output to its input,
 * is not here.
 */
import type { StepCoefficients } from './scheduler';

/** What of a step goes on: x_t', or its estimate x̂0 of the finished latents. */
export type StepTarget = 'previous' | 'original';

/** One number per latent element, images one after the other. */
export interface StepGradients {
  sample: Float32Array;
  output: Float32Array;
}

/**
 * Gradients at x_t and at the model's output, from the `gradient` at the target, and from that at
 * x̂0 which the next step took as its history. Where x̂0 was clipped, it has none.
 */
export function stepProduct(
  { original, noise, signal, direction, clip }: StepCoefficients,
  target: StepTarget,
  {
    sample,
    output,
    gradient,
    atOriginal,
  }: StepGradients & { gradient: Float32Array; atOriginal?: Float32Array | undefined },
): StepGradients {
  const share = target === 'original' ? 1 : signal;
  const spread = target === 'original' ? 0 : direction;
  const at: StepGradients = {
    sample: new Float32Array(gradient.length),
    output: new Float32Array(gradient.length),
  };
  for (const [i, g] of gradient.entries()) {
    const clean = original.sample * sample[i]! + original.output * output[i]!;
    const kept = Math.abs(clean) <= clip ? g * share + (atOriginal?.[i] ?? 0) : 0;
    at.sample[i] = kept * original.sample + g * spread * noise.sample;
    at.output[i] = kept * original.output + g * spread * noise.output;
  }
  return at;
}
