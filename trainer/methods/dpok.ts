/**
 * @file DPOK: policy gradient with a hard clamp, a penalty towards the pretrained policy and a
 * value baseline.
 *
 *   L = −w_r·mean A·clamp(ρ, 1−ε, 1+ε) + w_kl·mean (ε̂_θ(x_t) − ε̂_pre(x_t))²,   A = r − V(x_t, c, t)
 *
 * Fan et al., "DPOK" (arXiv 2305.16381), Eq. 10, and google-research/google-research `dpok/`, whose
 * penalty is the squared difference of the guided noise predictions, unweighted. Unlike PPO's, the
 * clamp stops the gradient of a transition that has moved far, in either direction. The official
 * code draws each step's transitions from a replay buffer of the last 1,000, old ones with the
 * log-probabilities they were drawn with; here a step takes those of its own draw alone.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { plainReward } from './policy-gradient/baseline';
import type { PolicyGradientMethod, PolicyGradientValues } from './policy-gradient/method';
import { type ValueSettings, valueBaseline } from './policy-gradient/value-baseline';

export interface DpokLossSettings {
  /** ε. */
  clipRange: number;
  /** w_r. */
  rewardWeight: number;
  /** w_kl. */
  klWeight: number;
}

export interface DpokSettings extends DpokLossSettings {
  /** V; left out, an image's advantage is its reward. */
  value?: ValueSettings;
}

/** Appends each transition's loss, [images]. */
export function appendDpokLoss(
  b: Builder,
  { logProbability, oldLogProbability, advantage, outputDistance }: PolicyGradientValues,
  { clipRange, rewardWeight, klWeight }: DpokLossSettings,
): Value {
  const ratio = b.op('Exp', [b.sub(logProbability, oldLogProbability)]);
  const clamped = b.op('Clip', [ratio, b.scalar(1 - clipRange), b.scalar(1 + clipRange)]);
  return b.sub(b.scale(outputDistance, klWeight), b.scale(b.mul(advantage, clamped), rewardWeight));
}

export function dpok(settings: DpokSettings): PolicyGradientMethod {
  return {
    name: 'DPOK',
    loss: (b, values) => appendDpokLoss(b, values, settings),
    clipRange: settings.clipRange,
    reference: 'base',
    kl: 'outputDistance',
    baseline: settings.value ? valueBaseline(settings.value) : plainReward,
  };
}
