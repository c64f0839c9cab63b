/**
 * @file How much the log-ratios of each denoising step count. Where the policy's output differs
 * from the reference's by δ, the means of a transition differ by c_t·δ, and with the noise z that
 * was drawn (x_t' = μ_ref + σ_t·z)
 *
 *   ln r_t = s_t·mean(z·δ) − k_t·mean(δ²)        s_t = c_t/σ_t,   k_t = c_t²/2σ_t²
 *
 * The first part tells a winner from a loser; the second is the step's KL and only ever grows. With
 * Stable Diffusion 1.5 in 20 steps k_t is 14.75 in the step before the last and 0.19 to 0.65 in the
 * others: one step is past the clip before the rest have moved.
 *
 *   uniform       v_t = 1          official
 *   equal-slope   v_t ∝ 1/|s_t|    the same change of the output moves every log-ratio alike, to first order
 *   equal-kl      v_t ∝ 1/k_t      the same distance of the outputs costs every log-ratio alike
 *
 * both with a mean of 1 over the steps that are trained. No single factor evens out both parts. To
 * scale by σ_t is what GRPO-Guard does with ratios (Wang et al., arXiv 2510.22319); here c_t takes
 * it from the means to the outputs.
 *
 * The weight multiplies the log-ratio before the clip. Multiplying the loss instead would change
 * the gradient of a step within the clip by the same factor, but a step past it has none, and no
 * factor brings it back.
 */
import type { StepCoefficients } from '@/trainer/diffusion/schedulers/scheduler';

export type TimestepWeighting = 'uniform' | 'equal-slope' | 'equal-kl';

/** k_t: the KL of a step per mean squared difference of outputs. */
export function klPerOutput({ mean, sigma }: Pick<StepCoefficients, 'mean' | 'sigma'>): number {
  return (mean.output / sigma) ** 2 / 2;
}

/**
 * v_t of each given step.
 * @throws RangeError where a step has no density, or leaves the output without effect
 */
export function timestepWeights(
  weighting: TimestepWeighting,
  steps: readonly StepCoefficients[],
): number[] {
  if (weighting === 'uniform') return steps.map(() => 1);
  const inverse = steps.map((step) => {
    const kl = klPerOutput(step);
    if (!(kl > 0 && Number.isFinite(kl))) {
      throw new RangeError(
        `The step at t = ${step.timestep} has sigma ${step.sigma} and a factor of ${step.mean.output} on the output, so its weight "${weighting}" has no value. Sample with eta above 0, or weigh timesteps uniformly.`,
      );
    }
    return 1 / (weighting === 'equal-kl' ? kl : Math.sqrt(2 * kl));
  });
  const mean = inverse.reduce((sum, value) => sum + value, 0) / inverse.length;
  return inverse.map((value) => value / mean);
}
