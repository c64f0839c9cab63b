/**
 * @file ReFL: one random late step, its one-step estimate of the image, and a hinge on the reward.
 *
 *   L = λ · mean max(0, r_max − r(x̂_0(x_t, ε̂_θ), c)),   t drawn from the last quarter of the steps
 *
 * Xu et al., "ImageReward" (arXiv 2304.05977), Algorithm 1; λ, r_max and the range of steps (30 to
 * 39 of 40) as in THUDM/ImageReward `ImageReward/ReFL.py`, which samples without guidance.
 */
import { integerBetween, type RewardGradientMethod } from './rollouts/plan';

export interface ReflSettings {
  /** λ, scale of the loss. */
  scale: number;
  /** r_max, beyond which a reward pulls no more. */
  target: number;
  /** Share of the steps, from the last, of which one is drawn, in (0, 1]. */
  lateShare: number;
}

export function refl({ scale, target, lateShare }: ReflSettings): RewardGradientMethod {
  return {
    plan(steps, random) {
      const late = Math.max(1, Math.round(lateShare * steps));
      const chosen = integerBetween(steps - late, steps - 1, random);
      return { executed: chosen + 1, image: 'original', trained: [chosen], throughInput: false };
    },
    loss: (b, reward) => b.scale(b.op('Relu', [b.sub(b.scalar(target), reward)]), scale),
  };
}
