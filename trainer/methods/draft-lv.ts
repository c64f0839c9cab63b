/**
 * @file DRaFT-LV: DRaFT-1 with less variance. The finished latents are noised back to the last step
 * with fresh noise, n times, and that step is taken again; the gradient is the mean over the
 * rollout and its copies.
 *
 *   L = −1/(n+1) · ( r(x_0) + Σ_i r(x_0⁽ⁱ⁾) ),   x_t⁽ⁱ⁾ ~ q(x_t | sg(x_0)),   x_0⁽ⁱ⁾ one step from x_t⁽ⁱ⁾
 *
 * Clark et al. (arXiv 2309.17400), section 4.3; the rollout itself counted as in
 * RuoyuWang-2077/FlowBP `flowbp/trainers/sd35/draft_lv.py`.
 */
import { draft } from './draft';
import type { RewardGradientMethod } from './rollouts/plan';

export interface DraftLvSettings {
  /** n, copies noised anew. */
  copies: number;
}

export function draftLv({ copies }: DraftLvSettings): RewardGradientMethod {
  return { ...draft({ truncation: 1 }), renoised: copies };
}
