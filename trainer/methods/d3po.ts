/**
 * @file D3PO: direct preference optimisation of every denoising step.
 *
 *   r_j = clamp( π_θ(x_{t'}|x_t) / π_ref(x_{t'}|x_t), 1−ε, 1+ε )      for both images j of a pair
 *   m   = β·h_0·ln r_0 + β·h_1·ln r_1                                 h = (+1,−1), (−1,+1) or, for a tie, (0,0)
 *   L   = −mean ln σ(m)
 *
 * Yang et al., "Using Human Feedback to Fine-tune Diffusion Models without Any Reward Model" (arXiv
 * 2311.13231), Eq. 14; the clamp as in yk7333/d3po `scripts/train.py`, other forms of it in
 * `clip-form.ts`. One image-level preference supervises every step of its trajectory. Outside the
 * clamp an image has no gradient in either direction, so nothing pulls a drifted policy back: watch
 * the clip fraction. With ε = β = 0.1 the loss always lies between 0.683 and 0.703.
 *
 * Two things may be added. A weight v_t of the step on its log-ratios, before the clamp: r^v_t
 * stands for r (`transitions/timestep-weights.ts` says which and why there). And doubt in the
 * label, the probability s that it is wrong:
 *
 *   L = −(1−s)·ln σ(m) − s·ln σ(−m)
 *
 * Mitchell, "A note on DPO with noisy preferences" (cDPO, 2023). Its slope in m is s − σ(−m):
 * training ends at σ(m) = 1−s instead of going on for ever. Where the clamp keeps m near 0 that
 * slope is s − ½, and s acts as a weight of 1−2s. A cap on losers: `policy/loser-cap.ts`.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { appendCappedLosers } from './policy/loser-cap';
import { appendClippedMargin, type Clip, type ClipForm } from './transitions/clip-form';
import type { PairLoss, PairLossInputs } from './transitions/pair-loss';

export interface D3poSettings {
  /** β, on the scale of mean log-probabilities. */
  beta: number;
  /** Ratios are clamped to 1 ± this; undefined leaves them free (the plain DPO loss per step). */
  clipRange?: number;
  /** 'hard' unless told. */
  clipForm?: ClipForm;
  /** μ of the cap on losers, in [0, 1]; none where undefined. */
  capMargin?: number;
}

/** What bounds the ratios; undefined where nothing does. */
function clipOf({ clipRange, clipForm = 'hard' }: D3poSettings): Clip | undefined {
  return clipRange === undefined ? undefined : { form: clipForm, range: clipRange };
}

/**
 * Appends the loss (a scalar, the weighted mean over pairs) and each pair's own, unweighted,
 * [pairs].
 */
export function appendD3poLoss(
  b: Builder,
  { logProbability, referenceLogProbability, preference, weight, ...given }: PairLossInputs,
  settings: D3poSettings,
): { loss: Value; pairLoss: Value } {
  const difference = b.sub(logProbability, referenceLogProbability);
  const weighted = given.timestepWeight ? b.mul(given.timestepWeight, difference) : difference;
  const { residual: errors, hold } = given;
  const { capMargin } = settings;
  const logRatio =
    capMargin === undefined || !errors || !hold
      ? weighted
      : appendCappedLosers(b, { values: weighted, errors, preference, hold }, capMargin);
  const margin = b.scale(
    appendClippedMargin(b, preference, logRatio, clipOf(settings)),
    settings.beta,
  );
  // −ln σ(m) = softplus(−m), which does not overflow; −ln σ(−m) is the same and m more.
  const sure = b.op('Softplus', [b.neg(margin)]);
  const pairLoss = given.smoothing ? b.add(sure, b.mul(given.smoothing, margin)) : sure;
  return { loss: b.reduceMean(b.mul(pairLoss, weight), [0], false), pairLoss };
}

export function d3po(settings: D3poSettings): PairLoss {
  return {
    name: 'D3PO',
    append: (b, inputs) => appendD3poLoss(b, inputs, settings),
    clip: clipOf(settings),
  };
}
