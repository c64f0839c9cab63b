/**
 * @file Gradients of a step's runs, summed up in the engine: as they are, and, where AdamW's second
 * moment is to come from the runs, squared. With g = Σ g_r over runs r, AdamW divides by √g², which
 * says nothing of how sure g is when a step is one large batch; √Σ g_r² is g's standard error, so a
 * weight moves by as many learning rates as its mean gradient is standard errors from zero. Balles
 * & Hennig, "Dissecting Adam" (arXiv 1705.07774), section 3. One run: AdamW again.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

/**
 * Where AdamW's second moment comes from: the squared gradient of the step, or the squared
 * gradients of its runs.
 */
export type SecondMoment = 'step' | 'runs';

/** Σ g_r, and Σ g_r². */
export const accumulated = (name: string) => `sum.${name}`;
export const squared = (name: string) => `squares.${name}`;

/** The sums of a trained tensor. */
export function sumsOf(name: string, secondMoment: SecondMoment): string[] {
  return secondMoment === 'runs' ? [accumulated(name), squared(name)] : [accumulated(name)];
}

/**
 * Inputs: the sums so far of every weight, counted `keepSum` times (0 starts afresh, 1 goes on).
 * Outputs: the same as `….next`, with this run's gradient in.
 */
export function appendAccumulation(
  b: Builder,
  weights: readonly Value[],
  gradients: readonly Value[],
  secondMoment: SecondMoment,
): void {
  const keep = b.input('keepSum', 'float32', []);
  const add = (name: string, value: Value) => {
    const sum = b.input(name, 'float32', b.dims(value));
    b.output(b.add(b.mul(sum, keep), value), `${name}.next`);
  };
  for (const [i, name] of weights.entries()) {
    const gradient = gradients[i]!;
    add(accumulated(name), gradient);
    if (secondMoment === 'runs') add(squared(name), b.mul(gradient, gradient));
  }
}
