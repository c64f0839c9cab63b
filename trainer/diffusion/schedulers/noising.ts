/**
 * @file The forward process: a finished image's latents at a training step, and what the UNet should say there.
 *
 *   x_t = √ᾱ_t · x_0 + √(1−ᾱ_t) · ε
 *   target: ε, or v = √ᾱ_t · ε − √(1−ᾱ_t) · x_0, or x_0, by the prediction type
 *
 * Ho et al. (arXiv 2006.11239), Eq. 4; Salimans & Ho (arXiv 2202.00512), appendix D.
 */
import type { DdimScheduler } from './ddim';

/** Both shaped like the latents they were made of. */
export interface Noised {
  latents: Float32Array;
  target: Float32Array;
}

/** Noises `original` (x_0) with `noise` (ε) to a training step, 0 … num_train_timesteps − 1. */
export function noised(
  scheduler: DdimScheduler,
  timestep: number,
  original: Float32Array,
  noise: Float32Array,
): Noised {
  const alphaBar = scheduler.alphaBar(timestep);
  const [signal, spread] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
  const latents = original.map((x, i) => signal * x + spread * (noise[i] as number));
  switch (scheduler.config.prediction_type) {
    case 'epsilon':
      return { latents, target: noise };
    case 'sample':
      return { latents, target: original };
    case 'v_prediction':
      return {
        latents,
        target: original.map((x, i) => signal * (noise[i] as number) - spread * x),
      };
  }
}
