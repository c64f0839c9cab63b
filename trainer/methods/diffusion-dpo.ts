/**
 * @file Diffusion-DPO: preferences between finished images, without the paths that led to them.
 *
 *   L = −mean ln σ( −β/2·[ (m_θ(x_t^w) − m_θ(x_t^l)) − (m_ref(x_t^w) − m_ref(x_t^l)) ] )
 *
 * m(x_t) = mean (ε − ε_θ(x_t, t, c))² with t and ε shared by the pair, no guidance. Wallace et al.,
 * "Diffusion Model Alignment Using Direct Preference Optimization" (arXiv 2311.12908), Eq. 14;
 * SalesforceAIResearch/DiffusionDPO `train.py`. Any pair of images will do, also imported ones:
 * what is compared is how well each policy denoises them.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';
import { type Denoised, type NoisedImagesMethod, weightsOf } from './noised-images/method';
import { appendCappedLosers } from './policy/loser-cap';

export interface DiffusionDpoSettings {
  /**
   * β, `--beta_dpo` of SalesforceAIResearch/DiffusionDPO; the mean over latent elements in m is
   * what makes thousands reasonable.
   */
  beta: number;
  /** μ of the cap on losers (`policy/loser-cap.ts`), in [0, 1]; none where undefined. */
  capMargin?: number;
}

/**
 * Appends the loss, a scalar: the sum over pairs of weight × loss.
 * @param excess m_θ − m_ref of each image, [images] @param preference +1 at the winner, −1 at the
 * loser, [pairs, images]
 */
export function appendDiffusionDpoLoss(
  b: Builder,
  excess: Value,
  { preference, weight }: { preference: Value; weight: Value },
  { beta, capMargin }: DiffusionDpoSettings,
  denoised?: Pick<Denoised, 'output' | 'target' | 'hold'>,
): Value {
  const [pairs, images] = b.dims(preference) as [number, number];
  const difference =
    capMargin === undefined || !denoised
      ? b.reshape(b.matmul(preference, b.reshape(excess, [images, 1])), [pairs])
      : b.reduceSum(
          b.mul(
            preference,
            appendCappedLosers(
              b,
              {
                values: b.reshape(excess, [1, images]),
                errors: b.sub(denoised.output, denoised.target),
                preference,
                hold: denoised.hold,
              },
              capMargin,
            ),
          ),
          [1],
          false,
        );
  const margin = b.scale(difference, -beta / 2);
  return b.reduceSum(b.mul(b.op('Softplus', [b.neg(margin)]), weight), [0], false);
}

/** Diffusion-DPO for the trainer of noised images: examples are pairs, the winner first. */
export function diffusionDpo(settings: DiffusionDpoSettings): NoisedImagesMethod {
  return {
    imagesPerExample: 2,
    append: (b, denoised, pairs) =>
      appendDiffusionDpoLoss(
        b,
        denoised.excess,
        {
          preference: b.input('preference', 'float32', [pairs, 2 * pairs]),
          weight: b.input('weight', 'float32', [pairs]),
        },
        settings,
        denoised,
      ),
    feeds: (pairs, places) => {
      const preference = new Float32Array(places * 2 * places);
      for (let pair = 0; pair < places; pair++) {
        preference[pair * 2 * places + 2 * pair] = 1;
        preference[pair * 2 * places + 2 * pair + 1] = -1;
      }
      return {
        preference: float32([places, 2 * places], preference),
        weight: float32([places], weightsOf(pairs, places)),
      };
    },
    read: ([winner, loser]) => {
      const margin = (-settings.beta / 2) * ((winner as number) - (loser as number));
      return { margin, loss: Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin))) };
    },
  };
}
