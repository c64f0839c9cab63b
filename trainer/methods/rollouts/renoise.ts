/** @file A finished image noised anew and its last step taken once more (DRaFT-LV). */
import { noised } from '@/trainer/diffusion/schedulers/noising';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import type { Roller, Rollout, RolloutOrigin } from './roller';

/**
 * The finished latents noised back to the last step, q(x_t | x_0), and that step taken again.
 * @param noiseStep of the noise put on; that of the step follows it
 */
export function renoise(
  roller: Roller,
  scheduler: Scheduler,
  clean: Float32Array,
  { contexts, noise }: RolloutOrigin,
  noiseStep: number,
): Promise<Rollout> {
  const timestep = roller.timesteps.at(-1) as number;
  const { latents } = noised(scheduler, timestep, clean, noise(noiseStep));
  return roller.step(timestep, latents, contexts, noise(noiseStep + 1));
}
