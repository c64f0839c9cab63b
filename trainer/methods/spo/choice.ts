/**
 * @file SPO: preferences formed at every denoising step by a reward, instead of one over whole
 * images by a person.
 *
 *   x_t  →  candidates x_t'^1 … x_t'^n of the policy as it is     one x_t, n draws of the step's noise
 *   s_k  =  a · reward(image that x_t'^k is heading for)          x̂0 of its own next step, decoded; the image itself at the end
 *   w, l =  best and worst, if softmax(s_w, s_l)_w − softmax(s_w, s_l)_l = tanh((s_w − s_l)/2) exceeds a threshold
 *   L    =  −ln σ( β·ln clamp(r_w) − β·ln clamp(r_l) )            D3PO's loss (`d3po.ts`); the reference is the base policy
 *
 * The path goes on from a candidate drawn by chance, and pairs are formed from `startStep` on:
 * before it, x̂0 shows little. Liang et al., "Step-aware Preference Optimization" (arXiv
 * 2406.04314); RockeyCoss/SPO `spo/custom_diffusers/multi_sample_pipeline.py`,
 * `spo/preference_models/compare_funcs.py`, `train_scripts/train_spo.py`.
 *
 * Two things differ. SPO's reward knows how noisy the step is; here any reward scores x̂0 as it
 * would a finished image. And SPO's scores are logits; a is what makes logits of a reward on
 * another scale.
 *
 * As winner and loser leave one x_t, their means and so the second parts of their log-ratios are
 * the same (`transitions/timestep-weights.ts`): unclipped, the margin is β·s_t·mean((z_w − z_l)·δ).
 */

export interface ChoiceSettings {
  /** n, at least 2. */
  candidates: number;
  /** Steps before this one form no pairs; 0 is the noisiest. */
  startStep: number;
  /** In [0, 1): how sure the reward must be. */
  threshold: number;
  /** a, above 0. */
  scoreScale: number;
}

/**
 * Indices of the best and the worst of one x_t's candidates; null where the reward does not tell
 * them apart.
 */
export function bestAndWorst(
  scores: readonly number[],
  { threshold, scoreScale }: Pick<ChoiceSettings, 'threshold' | 'scoreScale'>,
): { best: number; worst: number } | null {
  const best = scores.indexOf(Math.max(...scores));
  const worst = scores.indexOf(Math.min(...scores));
  const gap = scoreScale * (scores[best]! - scores[worst]!);
  return Math.tanh(gap / 2) > threshold ? { best, worst } : null;
}
