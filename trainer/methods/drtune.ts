/**
 * @file DRTune: K equally spaced steps trained at once, with the gradient stopped where x_t enters
 * the denoiser.
 *
 *   x_{t'} = a_t·x_t + b_t·ε̂_θ(sg(x_t)) + σ_t·z,   ε̂ without gradient at steps not trained
 *   L = −E r(x̂_0, c),   x̂_0 the one-step estimate at a step drawn from the last m
 *
 * Wu et al., "Deep Reward Supervisions for Tuning Text-to-Image Diffusion Models" (arXiv
 * 2405.00760), Algorithm 1. No product of denoiser Jacobians is formed, so early steps are reached
 * without exploding gradients, and each trained step is one vector-Jacobian product with v =
 * w_t·∂L/∂x̂_0 in closed form. The trained steps are drawn inside the steps that are run, so that
 * all K of them count.
 */
import { integerBetween, negative, type RewardGradientMethod } from './rollouts/plan';

export interface DrTuneSettings {
  /** K, steps trained. */
  trainedSteps: number;
  /** m, the image is estimated at one of the last so many steps; 1 runs to the end. */
  earlyStop: number;
}

export function drTune({ trainedSteps, earlyStop }: DrTuneSettings): RewardGradientMethod {
  return {
    plan(steps, random) {
      const executed = steps - integerBetween(0, Math.min(earlyStop, steps) - 1, random);
      const count = Math.min(trainedSteps, executed);
      const stride = Math.floor(executed / count);
      const first = integerBetween(0, executed - 1 - (count - 1) * stride, random);
      return {
        executed,
        image: 'original',
        trained: Array.from({ length: count }, (_, i) => first + i * stride),
        throughInput: false,
      };
    },
    loss: negative,
  };
}
