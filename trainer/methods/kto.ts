/**
 * @file Diffusion-KTO: single images marked good or bad, no pairs.
 *
 *   g = −β·(m_θ(x_t) − m_ref(x_t)),   L = mean w_y·(1 − σ( y·(g − κ) )),   y = +1 for good, −1 for bad
 *
 * κ = max(0, mean g over the batch), without gradient: how much better the policy already denoises
 * anything. m as in Diffusion-DPO. Li et al., "Aligning Diffusion Models by Optimizing Human
 * Utility" (arXiv 2404.04465), Eq. 9; jacklishufan/diffusion-kto `train_kto_sd_v1.5.py`.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';
import { type NoisedImagesMethod, weightsOf } from './noised-images/method';

export interface KtoSettings {
  /** β, `--beta_dpo` of the official code. */
  beta: number;
}

/**
 * Appends the loss, a scalar: the sum over images of weight × loss.
 * @param excess m_θ − m_ref of each image, [images] @param label y of each, [images] @param
 * baseline κ, a scalar
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

/**
 * KTO for the trainer of noised images: examples are single images. κ is that of the whole step, as
 * the official code takes the mean over all its devices' images; it needs all excesses before the
 * first gradient, so a step denoises twice.
 */
export function kto(settings: KtoSettings): NoisedImagesMethod {
  const { beta } = settings;
  const sign = (good: boolean | undefined) => (good ? 1 : -1);
  return {
    imagesPerExample: 1,
    baselines: (excess) => {
      const total = excess.reduce((sum, [e]) => sum + e!, 0);
      return excess.map(() => Math.max(0, (-beta * total) / excess.length));
    },
    append: (b, { excess }, images) =>
      appendKtoLoss(
        b,
        excess,
        {
          label: b.input('label', 'float32', [images]),
          weight: b.input('weight', 'float32', [images]),
          baseline: b.input('baseline', 'float32', []),
        },
        settings,
      ),
    feeds: (images, places, [baseline = 0]) => {
      const labels = Array.from({ length: places }, (_, i) => sign(images[i]?.good));
      return {
        label: float32([places], labels),
        weight: float32([places], weightsOf(images, places)),
        baseline: float32([], [baseline]),
      };
    },
    read: ([excess], { good }, baseline) => {
      const margin = sign(good) * (-beta * (excess as number) - baseline);
      return { margin, loss: 1 / (1 + Math.exp(margin)) };
    },
  };
}
