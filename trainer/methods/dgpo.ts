/**
 * @file DGPO, direct group preference optimisation: a whole group of finished images at once, those
 * above its mean against those below.
 *
 *   A_i = (r_i − mean r)/std r        w = σ( β/G·Σ_i A_i·(m_θ − m_ref)(x_t^i) )
 *   L   = mean_i[ w·A_i·m_θ(x_t^i) ] + λ·mean (v_θ − v_ref)²
 *
 * r_i is the share of its comparisons that image i of G won, v what a network says, m its mean
 * squared error, as in Diffusion-DPO, with t and ε shared by the group, no guidance; no gradient
 * flows through w. That is, but for a factor, the gradient of −ln σ(−β/G·Σ A_i·(m_θ − m_ref)):
 * since advantages sum up to nothing, the normaliser of DPO's implicit reward cancels. Luo et al.,
 * "Reinforcing Diffusion Models by Direct Group Preference Optimization" (arXiv 2510.08425). Of a
 * pair it is Diffusion-DPO's, divided by β.
 *
 * m_θ is frozen where e^(m_old − m_θ) has left 1 ± c in the direction of A_i: an image stops
 * teaching once it has gone that far, one that drifted the other way is pulled back. The old policy
 * is the one that the round starts from, which drew the images.
 *
 * Advantages are standardised: a narrow lead counts as much as a clear one, and in a group of seven
 * one bad image counts as much as the six others together. Images of a group may stand in several
 * runs: w is found first, from all of them, so a step denoises twice.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';
import {
  advantagesOf,
  type Denoised,
  type NoisedImagesMethod,
  type Weighed,
  weightsOf,
} from './noised-images/method';

export interface DgpoSettings {
  /** β, on the scale of mean squared errors of the noise. */
  beta: number;
  /** λ, on the scale of mean squared outputs. */
  klCoefficient: number;
  /** c, in (0, 1). */
  clipRange: number;
}

/** A of each image of a group: all 0 where none won more than another. @param grades r of each */
export function dgpoAdvantages(grades: readonly number[]): number[] {
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const center = mean(grades);
  const spread = Math.sqrt(mean(grades.map((grade) => (grade - center) ** 2)));
  // What rounding leaves of equal grades is no spread.
  return grades.map((grade) => (spread > 1e-9 ? (grade - center) / spread : 0));
}

/** w of each image's group. @param excess m_θ − m_ref of each image */
export function groupWeights(
  excess: readonly number[],
  images: readonly Pick<Weighed, 'advantage' | 'group'>[],
  beta: number,
): number[] {
  const groups = new Map<number, { sum: number; size: number }>();
  for (const [i, { advantage = 0, group = i }] of images.entries()) {
    const { sum, size } = groups.get(group) ?? { sum: 0, size: 0 };
    groups.set(group, { sum: sum + advantage * excess[i]!, size: size + 1 });
  }
  return images.map(({ group }, i) => {
    const { sum, size } = groups.get(group ?? i)!;
    return 1 / (1 + Math.exp((-beta * sum) / size));
  });
}

/**
 * Appends the loss, a scalar, the sum over images of weight × loss, and each image's own, [images].
 * Errors are counted from the old policy's, which changes no gradient.
 * @param advantage A of each image, [images] @param groupWeight w of its group, [images]
 */
export function appendDgpoLoss(
  b: Builder,
  { output, reference, target, old }: Pick<Denoised, 'output' | 'reference' | 'target' | 'old'>,
  { advantage, groupWeight, weight }: { advantage: Value; groupWeight: Value; weight: Value },
  { klCoefficient, clipRange }: Omit<DgpoSettings, 'beta'>,
): { loss: Value; each: Value } {
  const mean = (value: Value) => b.reduceMean(value, [1, 2, 3], false);
  // m_old − m_θ as a product: the difference of two nearly equal errors would lose its digits.
  const gain = mean(b.mul(b.sub(old!, output), b.sub(b.add(old!, output), b.scale(target, 2))));
  const [low, high] = [Math.log(1 - clipRange), Math.log(1 + clipRange)];
  const counted = b.where(
    b.op('Greater', [advantage, b.scalar(0)]),
    b.op('Min', [gain, b.scalar(high)]),
    b.op('Max', [gain, b.scalar(low)]),
  );
  const apart = b.sub(output, reference);
  const distance = b.scale(mean(b.mul(apart, apart)), klCoefficient);
  const each = b.sub(distance, b.mul(b.mul(groupWeight, advantage), counted));
  return { loss: b.reduceSum(b.mul(each, weight), [0], false), each };
}

/** DGPO for the trainer of noised images: examples are single images of groups. */
export function dgpo({ beta, ...settings }: DgpoSettings): NoisedImagesMethod {
  return {
    imagesPerExample: 1,
    advantages: dgpoAdvantages,
    oldDecay: () => 1,
    baselines: (excess, images) =>
      groupWeights(
        excess.map(([e]) => e!),
        images,
        beta,
      ),
    append: (b, denoised, images) => {
      const { loss, each } = appendDgpoLoss(
        b,
        denoised,
        {
          advantage: b.input('advantage', 'float32', [images]),
          groupWeight: b.input('groupWeight', 'float32', [images]),
          weight: b.input('weight', 'float32', [images]),
        },
        settings,
      );
      denoised.tell(each);
      return loss;
    },
    feeds: (images, places, groupWeight) => ({
      advantage: float32([places], advantagesOf(images, places)),
      groupWeight: float32(
        [places],
        Array.from({ length: places }, (_, i) => groupWeight[i] ?? 0),
      ),
      weight: float32([places], weightsOf(images, places)),
    }),
    read: ([excess], { advantage = 0 }) => ({ margin: -advantage * excess! }),
  };
}
