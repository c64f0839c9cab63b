/**
 * @file The forward process: a finished image's latents noised to a timestep, and what the model
 * should say there.
 */
import type { Blend, Scheduler } from './scheduler';

/**
 * k of x̂0 − x_0 = ±k·(output − target) at a timestep. From x_t = a·x_0 + s·ε and target = p·x_0 +
 * q·ε, solved for x_0, it is s/(aq − sp): σ/α where a network says the noise, t along a flow.
 */
export function spreadAt(scheduler: Scheduler, timestep: number): number {
  const { latents, target } = scheduler.forward(timestep);
  const { original: a, noise: s } = latents;
  const { original: p, noise: q } = target;
  return Math.abs(s / (a * q - s * p));
}

/** Both shaped like the latents they were made of. */
export interface Noised {
  latents: Float32Array;
  target: Float32Array;
}

/** Noises `original` (x_0) with `noise` (ε) to a timestep that the network knows. */
export function noised(
  scheduler: Scheduler,
  timestep: number,
  original: Float32Array,
  noise: Float32Array,
): Noised {
  const forward = scheduler.forward(timestep);
  const blended = (blend: Blend) =>
    original.map((x, i) => blend.original * x + blend.noise * noise[i]!);
  return { latents: blended(forward.latents), target: blended(forward.target) };
}
