/**
 * @file Diffusion-DPO: preferences between finished images, without the paths that led to them.
 *
 *   L = −mean ln σ( −β/2·[ (m_θ(x_t^w) − m_θ(x_t^l)) − (m_ref(x_t^w) − m_ref(x_t^l)) ] )
 *
 * m(x_t) = mean (ε − ε_θ(x_t, t, c))² with t and ε shared by the pair, no guidance. Wallace et al., "Diffusion Model Alignment
 * Using Direct Preference Optimization" (arXiv 2311.12908), Eq. 14; SalesforceAIResearch/DiffusionDPO `train.py`. Any pair of
 * images will do, also imported ones: what is compared is how well each policy denoises them.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

export interface DiffusionDpoSettings {
  /** β; the mean over latent elements in m is what makes thousands reasonable. */
  beta: number;
}

/** SalesforceAIResearch/DiffusionDPO `--beta_dpo`. */
export const diffusionDpoDefaults: DiffusionDpoSettings = { beta: 5000 };

/**
 * Appends the loss, a scalar: the sum over pairs of weight × loss.
 * @param excess m_θ − m_ref of each image, [images] @param preference +1 at the winner, −1 at the loser, [pairs, images]
 */
export function appendDiffusionDpoLoss(
  b: Builder,
  excess: Value,
  { preference, weight }: { preference: Value; weight: Value },
  { beta }: DiffusionDpoSettings,
): Value {
  const [pairs, images] = b.dims(preference) as [number, number];
  const difference = b.reshape(b.matmul(preference, b.reshape(excess, [images, 1])), [pairs]);
  const margin = b.scale(difference, -beta / 2);
  return b.reduceSum(b.mul(b.op('Softplus', [b.neg(margin)]), weight), [0], false);
}
