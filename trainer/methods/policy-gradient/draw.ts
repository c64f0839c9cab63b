/**
 * @file What a policy-gradient method learns from: images with all that the policy which drew them
 * knew of every step.
 */
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Rollout, RolloutOrigin, RolloutStep } from '../rollouts/roller';

/** A batch of rollouts, and of which prompts. */
export interface DrawOrigin extends RolloutOrigin {
  prompts: readonly string[];
}

/** An image and its path. Arrays are [C, H, W] and share memory with their batch. */
export interface DrawnImage {
  prompt: string;
  /** Of the prompt. */
  context: Conditioning;
  reward: number;
  /** x_T … x_0. */
  states: readonly Float32Array[];
  /** ln p(x_t' | x_t) of each step under the weights that drew. */
  logProbabilities: readonly number[];
  /** The reference's guided output at each step that may be trained on, from the noisiest. */
  reference: readonly Float32Array[];
}

/** The images of a batch. @param reference guided outputs of all images, step by step */
export function imagesOf(
  { prompts, contexts }: DrawOrigin,
  { steps, previous }: Rollout,
  rewards: Float32Array,
  reference: readonly Float32Array[],
): DrawnImage[] {
  const states = [...steps.map(({ sample }) => sample), previous];
  const size = previous.length / prompts.length;
  return prompts.map((prompt, i) => {
    const own = (batch: Float32Array) => batch.subarray(i * size, (i + 1) * size);
    return {
      prompt,
      context: contexts[i]!,
      reward: rewards[i]!,
      states: states.map(own),
      logProbabilities: steps.map((step) => logProbabilityOf(step, i)),
      reference: reference.map(own),
    };
  });
}

function logProbabilityOf({ coefficients, logProbabilities }: RolloutStep, image: number): number {
  const value = logProbabilities?.[image];
  if (value !== undefined) return value;
  throw new RangeError(
    `The step at t = ${coefficients.timestep} has sigma 0, so a transition has no density: draw with eta above 0.`,
  );
}
