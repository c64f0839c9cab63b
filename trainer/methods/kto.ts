/**
 * @file Diffusion-KTO: single images marked good or bad, no pairs.
 *
 *   g = −β·(m_θ(x_t) − m_ref(x_t)),   L = mean w_y·(1 − σ( y·(g − κ) )),   y = +1 for good, −1 for bad
 *
 * κ = max(0, mean g over the batch), without gradient: how much better the policy already denoises anything. m as in
 * Diffusion-DPO. Li et al., "Aligning Diffusion Models by Optimizing Human Utility" (arXiv 2404.04465), Eq. 9;
 * jacklishufan/diffusion-kto `train_kto_sd_v1.5.py`.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

export interface KtoSettings {
  beta: number;
}

/** `--beta_dpo` of the official code. */
export const ktoDefaults: KtoSettings = { beta: 1000 };

/**
 * Appends the loss, a scalar: the sum over images of weight × loss.
 * @param excess m_θ − m_ref of each image, [images] @param label y of each, [images] @param baseline κ, a scalar
 */
export function appendKtoLoss(
  b: Builder,
  excess: Value,
  { label, weight, baseline }: { label: Value; weight: Value; baseline: Value },
  { beta }: KtoSettings,
): Value {
  const gain = b.scale(excess, -beta);
  // 1 − σ(z) = σ(−z).
  const disutility = b.op('Sigmoid', [b.neg(b.mul(label, b.sub(gain, baseline)))]);
  return b.reduceSum(b.mul(disutility, weight), [0], false);
}
