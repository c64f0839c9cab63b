/**
 * @file The noise that an image came from, in place of fresh one: its x_T, or what of the noise is
 * left at a step of its path, (x_t − a·x_0)/s with the forward process's a and s. What a policy is
 * asked at x_t is then what it was asked while it drew the image, and an error there is the image's
 * own. Pairs with their x_T: PNAPO (arXiv 2605.09433); InPO and SmPO (2025) look for it by DDIM
 * inversion, since nobody stored it.
 */
import type { Sample } from '@/db/schema/labels';
import { startingNoise } from '@/trainer/diffusion/sampling/noise';
import { latentsAt, type Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';

/** x_T of a sample that was drawn here. @param size numbers in its latents */
export function startNoise({ seed }: Sample, size: number): Float32Array {
  return startingNoise(seed, size);
}

/** ε of x_t = a·x_0 + s·ε at a step of a trajectory; 0 is the noisiest, where it is x_T. */
export function pathNoise(
  scheduler: Pick<Scheduler, 'forward'>,
  trajectory: Trajectory,
  step: number,
): Float32Array {
  const { original, noise } = scheduler.forward(trajectory.timesteps[step]!).latents;
  const finished = latentsAt(trajectory, trajectory.timesteps.length);
  return latentsAt(trajectory, step).map((x, i) => (x - original * finished[i]!) / noise);
}
