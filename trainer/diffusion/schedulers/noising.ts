/**
 * @file The forward process: a finished image's latents noised to a timestep, and what the model
 * should say there.
 */
import type { Blend, Scheduler } from './scheduler';

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
