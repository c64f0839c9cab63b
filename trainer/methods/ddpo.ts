/**
 * @file DDPO: policy gradient over denoising steps, with importance weights from stored
 * log-probabilities.
 *
 *   ρ = π_θ(x_{t'}|x_t) / π_old(x_{t'}|x_t),   L = mean max( −A·ρ, −A·clip(ρ, 1−ε, 1+ε) ),   A = clip(advantage, ±A_max)
 *
 * Black et al., "Training Diffusion Models with Reinforcement Learning" (arXiv 2305.13301), section
 * 4.3; kvablack/ddpo-pytorch `scripts/train.py`. π_old is the policy that drew the images. The
 * advantage is the reward, standardised per prompt (`policy-gradient/advantages.ts`). No KL, no
 * value function: the clip alone keeps a step small, and on mean log-probabilities 1e-4 is wide.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import type { AdvantageSettings } from './policy-gradient/advantages';
import type { PolicyGradientMethod, PolicyGradientValues } from './policy-gradient/method';
import { standardizedBaseline } from './policy-gradient/standardized-baseline';

export interface DdpoLossSettings {
  /** ε. */
  clipRange: number;
  /** A_max. */
  advantageClip: number;
}

export interface DdpoSettings extends DdpoLossSettings, AdvantageSettings {}

/** Appends each transition's loss, [images]. */
export function appendDdpoLoss(
  b: Builder,
  { logProbability, oldLogProbability, advantage }: Omit<PolicyGradientValues, 'outputDistance'>,
  { clipRange, advantageClip }: DdpoLossSettings,
): Value {
  const ratio = b.op('Exp', [b.sub(logProbability, oldLogProbability)]);
  const bound = b.scalar(advantageClip);
  const gain = b.neg(b.op('Clip', [advantage, b.neg(bound), bound]));
  const clipped = b.op('Clip', [ratio, b.scalar(1 - clipRange), b.scalar(1 + clipRange)]);
  return b.op('Max', [b.mul(gain, ratio), b.mul(gain, clipped)]);
}

export function ddpo(settings: DdpoSettings): PolicyGradientMethod {
  return {
    name: 'DDPO',
    loss: (b, values) => appendDdpoLoss(b, values, settings),
    clipRange: settings.clipRange,
    reference: 'drawing',
    kl: 'ratio',
    baseline: standardizedBaseline(settings),
  };
}
