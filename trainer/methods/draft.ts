/**
 * @file DRaFT and DRaFT-K: the gradient of a reward through the last K steps of sampling.
 *
 *   L = −E r(x_0, c),   x_{t'} = a_t·x_t + b_t·ε̂_θ(x_t, c) + σ_t·z,   ∂L/∂θ through the last K steps
 *
 * Clark et al., "Directly Fine-Tuning Diffusion Models on Differentiable Rewards" (arXiv
 * 2309.17400), sections 4.1 and 4.2. Inside the window the gradient flows through weights and
 * inputs of the denoiser; before it nothing does. K = 1 is the paper's best trade of reward against
 * cost; all steps may make the gradient explode. With leading timesteps the last step is t = 1:
 * what an adapter learns there reaches other steps only because they share it.
 */
import { lastSteps, negative, type RewardGradientMethod } from './rollouts/plan';

export interface DraftSettings {
  /** K, steps differentiated; at least the schedule's for all. */
  truncation: number;
}

export function draft({ truncation }: DraftSettings): RewardGradientMethod {
  return {
    plan: (steps) => ({
      executed: steps,
      image: 'previous',
      trained: lastSteps(truncation, steps),
      throughInput: true,
    }),
    loss: negative,
  };
}
