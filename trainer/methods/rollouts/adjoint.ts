/**
 * @file The lean adjoint of a rollout and the regression on it: where the gradient of a cost at the
 * image, carried backwards along the path as if the reference policy had gone it, says each step's
 * mean should lie.
 *
 *   a_0 = ∇cost(x_0)      a_t = (∂μ_ref(x_t)/∂x_t)ᵀ·a_t'
 *   L   = mean ½·( (μ_θ(x_t) − μ_ref(x_t))/σ_t + σ_t·a_t' )²
 *
 * over the trained steps and all latent elements. Domingo-Enrich et al., "Adjoint Matching" (arXiv
 * 2409.08861), for the steps of a sampler instead of a continuous path: a_t' is then that of the
 * state the step leads to.
 */
import { stepProduct } from '@/trainer/diffusion/schedulers/step-product';
import type { RolloutPlan } from './plan';
import type { RolloutStep } from './roller';

export interface AdjointLinks {
  /** Adds vᵀ·∂ε̂/∂θ of a step to the gradient of the trained tensors. */
  product(step: RolloutStep, v: Float32Array): Promise<unknown>;
  /** The reference policy's guided output at a step's x_t. */
  reference(step: RolloutStep): Promise<Float32Array>;
  /** vᵀ·∂ε̂/∂x_t of the reference policy at a step's x_t. */
  referenceProduct(step: RolloutStep, v: Float32Array): Promise<Float32Array>;
}

/**
 * Adds the regression's gradient, weighed by the rollout's share of the optimizer step.
 * @param steps those of `plan.executed`, in order, all with noise
 * @param cost gradient at x_0 of each image's own cost
 * @returns the regression's loss, and the KL of the trained transitions to the reference policy's,
 * both means over trained steps and latent elements
 */
export async function matchAdjoint(
  plan: Pick<RolloutPlan, 'trained'>,
  steps: readonly RolloutStep[],
  cost: Float32Array,
  share: number,
  { product, reference, referenceProduct }: AdjointLinks,
): Promise<{ loss: number; kl: number }> {
  const trained = new Set(plan.trained);
  const first = Math.min(...plan.trained);
  const scale = 1 / (plan.trained.length * cost.length);
  const sums = { loss: 0, kl: 0 };
  let adjoint = cost;
  for (let i = steps.length - 1; i >= first; i--) {
    const step = steps[i]!;
    const { mean, sigma } = step.coefficients;
    if (trained.has(i)) {
      const there = await reference(step);
      const pull = mean.output / sigma;
      const v = step.output.map((output, at) => {
        const control = pull * (output - there[at]!);
        const miss = control + sigma * adjoint[at]!;
        sums.loss += 0.5 * miss ** 2;
        sums.kl += 0.5 * control ** 2;
        return share * scale * pull * miss;
      });
      await product(step, v);
    }
    if (i === first) break;
    const direct = stepProduct(step.coefficients, 'previous', { ...step, gradient: adjoint });
    const through = await referenceProduct(step, direct.output);
    adjoint = direct.sample.map((value, at) => value + through[at]!);
  }
  return { loss: scale * sums.loss, kl: scale * sums.kl };
}
