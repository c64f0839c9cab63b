/**
 * @file DDPO: policy gradient over denoising steps, with importance weights from stored log-probabilities.
 *
 *   ρ = π_θ(x_{t'}|x_t) / π_old(x_{t'}|x_t),   L = mean max( −A·ρ, −A·clip(ρ, 1−ε, 1+ε) ),   A = clip(advantage, ±A_max)
 *
 * Black et al., "Training Diffusion Models with Reinforcement Learning" (arXiv 2305.13301), section 4.3; kvablack/ddpo-pytorch
 * `scripts/train.py`. π_old is the policy that drew the images. The advantage is the reward, standardised per prompt
 * (`advantages.ts`). No KL, no value function: the clip alone keeps a step small, and on mean log-probabilities 1e-4 is wide.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

export interface DdpoSettings {
  /** ε. */
  clipRange: number;
  /** A_max. */
  advantageClip: number;
}

/** kvablack/ddpo-pytorch `config/base.py`. */
export const ddpoDefaults: DdpoSettings = { clipRange: 1e-4, advantageClip: 5 };

export interface PolicyGradientInputs {
  /** ln π_θ of each transition, [images]. */
  logProbability: Value;
  /** ln π_old of the same transitions, [images]. */
  oldLogProbability: Value;
  /** Advantage of the image each belongs to, [images]. */
  advantage: Value;
  /** Share of each transition in the step's mean, [images]; 0 for one that only fills up a run. */
  share: Value;
}

/** Appends the loss, a scalar. */
export function appendDdpoLoss(
  b: Builder,
  { logProbability, oldLogProbability, advantage, share }: PolicyGradientInputs,
  { clipRange, advantageClip }: DdpoSettings,
): Value {
  const ratio = b.op('Exp', [b.sub(logProbability, oldLogProbability)]);
  const bound = b.scalar(advantageClip);
  const gain = b.neg(b.op('Clip', [advantage, b.neg(bound), bound]));
  const clipped = b.op('Clip', [ratio, b.scalar(1 - clipRange), b.scalar(1 + clipRange)]);
  const worse = b.op('Max', [b.mul(gain, ratio), b.mul(gain, clipped)]);
  return b.reduceSum(b.mul(worse, share), [0], false);
}
