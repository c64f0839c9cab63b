/**
 * @file What a reward-gradient method decides: which part of a rollout is differentiated, and what
 * the reward becomes.
 */
import type { StepTarget } from '@/trainer/diffusion/schedulers/step-product';
import type { Builder, Value } from '@/trainer/graph/builder';

/** One rollout of a batch. Steps count from 0, the noisiest. */
export interface RolloutPlan {
  /** Steps run; fewer than the schedule has where a method stops early. */
  executed: number;
  /** What is decoded: x after the last step run, or that step's x̂0. */
  image: StepTarget;
  /** Steps whose model output carries gradient, ascending. */
  trained: readonly number[];
  /**
   * Whether gradient also flows into the denoiser's input at those steps, and so on to earlier
   * ones.
   */
  throughInput: boolean;
}

/**
 * A penalty on how far the trained steps' guided outputs ε̂ are from the base policy's at the same
 * x_t.
 */
export interface KlPenalty {
  coefficient: number;
  /**
   * `noise`: mean (ε̂ − ε̂_base)²; `transition`: the KL of the two Gaussians, c²/2σ² times that (η
   * > 0).
   */
  form: 'noise' | 'transition';
  /**
   * Whom it compares with: the base policy unless told, or the policy that the round starts from.
   */
  reference?: 'base' | 'round';
  /** Whether an image of which the reward is unsure is held the stronger. */
  bySpread?: boolean;
}

export interface RewardGradientMethod {
  /** Drawn anew for every batch. @param random uniform in [0, 1) */
  plan(steps: number, random: () => number): RolloutPlan;
  /** Each image's loss [n] from its reward [n]. */
  loss(b: Builder, reward: Value): Value;
  kl?: KlPenalty;
  /**
   * Whether the loss's gradient is not followed, but made a target for each trained step, by the
   * reference policy's own way to the image (`adjoint.ts`).
   */
  matched?: { reference: 'base' | 'round' };
  /**
   * Copies of the finished latents that are noised anew and denoised by the last step once more
   * (DRaFT-LV).
   */
  renoised?: number;
}

/** −r: the reward itself is what is sought. */
export const negative = (b: Builder, reward: Value): Value => b.neg(reward);

/** A whole number from `low` to `high`, both included. */
export function integerBetween(low: number, high: number, random: () => number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** The last `count` steps of `steps`. */
export function lastSteps(count: number, steps: number): number[] {
  return Array.from(
    { length: Math.min(count, steps) },
    (_, i) => steps - Math.min(count, steps) + i,
  );
}
