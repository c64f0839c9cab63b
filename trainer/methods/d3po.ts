/**
 * @file D3PO: direct preference optimisation of every denoising step.
 *
 *   r_j = clamp( π_θ(x_{t'}|x_t) / π_ref(x_{t'}|x_t), 1−ε, 1+ε )      for both images j of a pair
 *   L   = −mean ln σ( β·h_0·ln r_0 + β·h_1·ln r_1 )                   h = (+1,−1), (−1,+1) or, for a tie, (0,0)
 *
 * Yang et al., "Using Human Feedback to Fine-tune Diffusion Models without Any Reward Model" (arXiv 2311.13231), Eq. 14;
 * the clamp as in yk7333/d3po `scripts/train.py`. One image-level preference supervises every step of its trajectory.
 * Outside the clamp an image has no gradient in either direction, so nothing pulls a drifted policy back: watch the
 * clip fraction. With ε = β = 0.1 the loss always lies between 0.683 and 0.703.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

export interface D3poSettings {
  /** β, on the scale of mean log-probabilities. */
  beta: number;
  /** Ratios are clamped to 1 ± this; undefined leaves them free (the plain DPO loss per step). */
  clipRange?: number;
}

export interface D3poInputs {
  /** ln π_θ of each image's transition, [1, images]. */
  logProbability: Value;
  /** ln π_ref of the same transitions, [1, images]. */
  referenceLogProbability: Value;
  /** h: +1 at the winner, −1 at the loser, 0 elsewhere, [pairs, images]. An image may stand in many pairs. */
  preference: Value;
  /** Weight of each pair, [pairs]: agreement of its annotators. */
  weight: Value;
}

/** Appends the loss (a scalar, the weighted mean over pairs) and the log-ratios [1, images] before the clamp. */
export function appendD3poLoss(
  b: Builder,
  inputs: D3poInputs,
  settings: D3poSettings,
): { loss: Value; logRatio: Value } {
  const logRatio = b.sub(inputs.logProbability, inputs.referenceLogProbability);
  const { clipRange } = settings;
  const bounded =
    clipRange === undefined
      ? logRatio
      : b.op('Clip', [
          logRatio,
          b.scalar(Math.log(1 - clipRange)),
          b.scalar(Math.log(1 + clipRange)),
        ]);
  const margin = b.scale(b.reduceSum(b.mul(inputs.preference, bounded), [1], false), settings.beta);
  // −ln σ(m) = softplus(−m), which does not overflow.
  const perPair = b.op('Softplus', [b.neg(margin)]);
  return { loss: b.reduceMean(b.mul(perPair, inputs.weight), [0], false), logRatio };
}
