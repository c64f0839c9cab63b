/** @file A finished image noised anew and its last step taken once more (DRaFT-LV). */
import type { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import type { Roller, Rollout, RolloutOrigin } from './roller';

/**
 * The finished latents noised back to the last step, q(x_t | x_0), and that step taken again.
 * @param noiseStep of the noise put on; that of the step follows it
 */
export function renoise(
  roller: Roller,
  scheduler: DdimScheduler,
  clean: Float32Array,
  { contexts, noise }: RolloutOrigin,
  noiseStep: number,
): Promise<Rollout> {
  const timestep = roller.timesteps.at(-1) as number;
  const alphaBar = scheduler.alphaBar(timestep);
  const [signal, spread] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
  const z = noise(noiseStep);
  const sample = clean.map((value, i) => signal * value + spread * (z[i] as number));
  return roller.step(timestep, sample, contexts, noise(noiseStep + 1));
}
