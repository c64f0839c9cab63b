/**
 * @file What a policy-gradient method decides: its loss, what an image's reward is measured
 * against, whom it stays close to.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import type { OpenBaseline } from './baseline';

/** What a loss is made of, one number per transition [images]. */
export interface PolicyGradientValues {
  /** ln π_θ. */
  logProbability: Value;
  /** ln π_old of the policy that drew the image: a stored number, without gradient. */
  oldLogProbability: Value;
  advantage: Value;
  /** Mean squared difference of the guided outputs from the reference's. */
  outputDistance: Value;
}

export interface PolicyGradientMethod {
  name: string;
  /** Appends each transition's loss, [images]. */
  loss(b: Builder, values: PolicyGradientValues): Value;
  /** ρ counts as clipped where it is further from 1 than this. */
  clipRange: number;
  /**
   * Whose outputs `outputDistance` compares with: those stored with the draw, or the pretrained
   * policy's at the same x_t.
   */
  reference: 'drawing' | 'base';
  /**
   * What is reported as KL: ½·(ln ρ)², an estimate of the KL to the policy that drew; or
   * `outputDistance`.
   */
  kl: 'ratio' | 'outputDistance';
  baseline: OpenBaseline;
}
