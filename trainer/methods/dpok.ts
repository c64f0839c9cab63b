/**
 * @file DPOK: policy gradient with a hard clamp, a penalty towards the pretrained policy and a value baseline.
 *
 *   L = −w_r·mean A·clamp(ρ, 1−ε, 1+ε) + w_kl·mean (ε̂_θ(x_t) − ε̂_pre(x_t))²,   A = r − V(x_t, c, t)
 *
 * Fan et al., "DPOK" (arXiv 2305.16381), Eq. 10, and google-research/google-research `dpok/`, whose penalty is the squared
 * difference of the guided noise predictions, unweighted. Unlike PPO's, the clamp stops the gradient of a transition that
 * has moved far, in either direction.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import type { PolicyGradientInputs } from './ddpo';

export interface DpokSettings {
  /** ε. */
  clipRange: number;
  /** w_r. */
  rewardWeight: number;
  /** w_kl. */
  klWeight: number;
}

/** `dpok/train_online_pg.py`; its README takes a reward weight of 10 for one prompt, 1000 for many. */
export const dpokDefaults: DpokSettings = { clipRange: 1e-4, rewardWeight: 100, klWeight: 0.01 };

export interface DpokInputs extends PolicyGradientInputs {
  /** Mean squared difference of the guided outputs from the pretrained policy's, [images]. */
  outputDistance: Value;
}

/** Appends the loss, a scalar. */
export function appendDpokLoss(
  b: Builder,
  { logProbability, oldLogProbability, advantage, outputDistance, share }: DpokInputs,
  { clipRange, rewardWeight, klWeight }: DpokSettings,
): Value {
  const ratio = b.op('Exp', [b.sub(logProbability, oldLogProbability)]);
  const clamped = b.op('Clip', [ratio, b.scalar(1 - clipRange), b.scalar(1 + clipRange)]);
  const perImage = b.sub(
    b.scale(outputDistance, klWeight),
    b.scale(b.mul(advantage, clamped), rewardWeight),
  );
  return b.reduceSum(b.mul(perImage, share), [0], false);
}
