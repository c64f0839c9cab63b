/**
 * @file AlignProp: the gradient of a reward through a randomly truncated chain, drawn once per
 * batch.
 *
 *   L = λ · mean (r_max − r(x_0, c)),   gradient through the last K steps,   K = S − k,   k ~ N(S − 8, S/10) in [1, S − 1]
 *
 * Prabhudesai et al., "Aligning Text-to-Image Diffusion Models with Reward Backpropagation" (arXiv
 * 2310.03739); the draw as in mihirp1998/AlignProp `sd_pipeline.py`, N(42, 5) of 50 steps. Its
 * activation checkpointing is what the chain of products does anyway: only latents are stored, each
 * denoiser run is made again on the way back.
 */
import { lastSteps, type RewardGradientMethod } from './rollouts/plan';

export interface AlignPropSettings {
  /** Mean of the first step differentiated, as a share of the steps. */
  meanShare: number;
  /** Its standard deviation, as a share of the steps. */
  deviationShare: number;
  /** λ, scale of the loss. */
  scale: number;
  /** r_max, only an offset of the loss. */
  target: number;
}

export function alignProp(settings: AlignPropSettings): RewardGradientMethod {
  return {
    plan: (steps, random) => ({
      executed: steps,
      image: 'previous',
      trained: lastSteps(steps - firstStep(settings, steps, random), steps),
      throughInput: true,
    }),
    loss: (b, reward) => b.scale(b.sub(b.scalar(settings.target), reward), settings.scale),
  };
}

/** A normal draw cut to a whole number, drawn again until it lies in [1, steps − 1]. */
function firstStep(
  { meanShare, deviationShare }: AlignPropSettings,
  steps: number,
  random: () => number,
): number {
  if (steps < 2) return 0;
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const drawn = Math.trunc(steps * (meanShare + deviationShare * normal));
    if (drawn >= 1 && drawn < steps) return drawn;
  }
}
