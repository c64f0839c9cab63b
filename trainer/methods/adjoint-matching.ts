/**
 * @file Adjoint matching: a reward followed as far as the reference policy's own variety allows.
 *
 *   L = E mean ½·( (μ_θ − μ_ref)/σ + σ·a )²,   a the lean adjoint of the cost −λ·r(x_0)
 *
 * at K steps drawn anew for every rollout (`rollouts/adjoint.ts`). Domingo-Enrich et al., "Adjoint
 * Matching: Fine-tuning Flow and Diffusion Generative Models with Memoryless Stochastic Optimal
 * Control" (arXiv 2409.08861). DRaFT and its kin climb a reward, and stop where somebody stops
 * them; this has an end, the distribution p_ref·e^(λr): images of the reference policy, each so
 * much likelier as its reward is higher. λ alone says how far, and there is no KL to weigh.
 *
 * That end holds only where x_T says nothing of x_0: with all of DDPM's noise, eta 1. A flow's step
 * would need a noise level of √2, which is more than it may have, so there the end is approached
 * and not met. Guidance is part of the policy that is trained and drawn, but the adjoint goes back
 * without it: with it, it grows beyond all bounds, as the official code says of itself.
 *
 * Beside the rollout a step costs a product of the reference policy for each step after the first
 * trained one, and for each trained one a run of the reference policy and a product of the policy.
 * Where the policy is its reference, the slope is DRaFT's through all steps, as far as they are
 * trained and without guidance.
 */
import type { RewardGradientMethod } from './rollouts/plan';

export interface AdjointMatchingSettings {
  /** λ, on the scale of the reward. */
  rewardWeight: number;
  /** K, steps regressed in every rollout. */
  trainedSteps: number;
  referencePolicy: 'base' | 'round';
}

export function adjointMatching({
  rewardWeight,
  trainedSteps,
  referencePolicy,
}: AdjointMatchingSettings): RewardGradientMethod {
  return {
    plan: (steps, random) => ({
      executed: steps,
      image: 'previous',
      trained: drawn(Math.min(trainedSteps, steps), steps, random),
      throughInput: false,
    }),
    loss: (b, reward) => b.scale(reward, -rewardWeight),
    matched: { reference: referencePolicy },
  };
}

/** So many of the steps, ascending, all as likely. */
function drawn(count: number, steps: number, random: () => number): number[] {
  const found: number[] = [];
  for (let step = 0; step < steps; step++) {
    if (random() * (steps - step) < count - found.length) found.push(step);
  }
  return found;
}
