/**
 * @file The gradient of a rollout's loss by the model, from the gradient at its image: one
 * vector-Jacobian product of the denoiser per trained step, over stored latents. Whatever the
 * number of steps, one denoiser graph is in memory at a time.
 */
import { stepProduct } from '@/trainer/diffusion/schedulers/step-product';
import type { RolloutPlan } from './plan';
import type { RolloutStep } from './roller';

export interface ChainLinks {
  /**
   * Adds vᵀ·∂ε̂/∂θ of a step to the gradient of the trained tensors, v the gradient at its guided
   * output ε̂. Returns vᵀ·∂ε̂/∂x_t where it is wanted.
   */
  product(step: RolloutStep, v: Float32Array, wanted: boolean): Promise<Float32Array | undefined>;
  /** What else pulls at a trained step's output: the gradient of a penalty, if there is one. */
  penalty?(step: RolloutStep): Promise<Float32Array>;
}

/**
 * @param steps those of `plan.executed`, in order @param image the loss's gradient at what the plan
 * decodes
 */
export async function backPropagate(
  plan: RolloutPlan,
  steps: readonly RolloutStep[],
  image: Float32Array,
  { product, penalty }: ChainLinks,
): Promise<void> {
  const trained = new Set(plan.trained);
  const first = Math.min(...plan.trained);
  const last = steps.length - 1;
  let gradient = image;
  let atOriginal: Float32Array | undefined;
  for (let i = last; i >= first; i--) {
    const step = steps[i]!;
    const target = i === last ? plan.image : 'previous';
    const { history = 0 } = step.coefficients;
    const direct = stepProduct(step.coefficients, target, { ...step, gradient, atOriginal });
    atOriginal =
      history !== 0 && target === 'previous' ? gradient.map((g) => history * g) : undefined;
    gradient = direct.sample;
    if (!trained.has(i)) continue;
    const v = penalty ? sum(direct.output, await penalty(step)) : direct.output;
    const through = await product(step, v, plan.throughInput && i > first);
    if (through) gradient = sum(gradient, through);
  }
}

function sum(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value + b[i]!);
}
