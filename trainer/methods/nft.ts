/**
 * @file DiffusionNFT: finished images, each graded by people, on the forward process alone. What a
 * policy says of a noised image is moved towards what a good image would have wanted, and away from
 * what a bad one would.
 *
 *   v⁺ = (1−β)·v_old + β·v_θ        v⁻ = (1+β)·v_old − β·v_θ
 *   L  = 1/β·mean[ r·|x̂0⁺ − x_0|²/w⁺ + (1−r)·|x̂0⁻ − x_0|²/w⁻ ] + λ·mean (v_θ − v_ref)²
 *
 * x̂0± is the image that v± implies at x_t, |·|² a mean over latent elements, w± the mean absolute
 * x̂0± − x_0 (at least 1e-5), through which no gradient flows. Zheng et al., "DiffusionNFT: Online
 * Diffusion Reinforcement with Forward Process" (arXiv 2509.16117). Nothing asks how an image was
 * drawn: any sampler, any eta, no probability of a step, no guidance. A network that says the noise
 * instead of a velocity implies another x̂0, and nothing else changes.
 *
 * r is the share of an image's comparisons that it won. At θ = old the slope is (2r−1) times that
 * of the image's own error: one that won and lost equally often teaches nothing, and later holds
 * the policy to the old one. β is the only scale: a small one lets the policy go farther for the
 * same answers, because the part of the loss that is quadratic in v_θ − v_old has the factor β. The
 * official code divides a reward's advantage by A_max = 5 before it becomes r and multiplies the
 * loss by as much, which is to first order a β of 5 here.
 *
 * The old policy is a moving copy, old ← η·old + (1−η)·θ after optimizer step s, η = min(rise·s,
 * most); official are 0.001 and 0.5, with new images for each step. On images drawn once per round
 * a copy that follows at once has no bound: bad images push for as long as there are steps.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';
import { type Denoised, type NoisedImagesMethod, weightsOf } from './noised-images/method';

export interface NftSettings {
  /** β, on the scale of outputs. */
  beta: number;
  /** λ, on the scale of mean squared outputs. */
  klCoefficient: number;
  /** How fast the share η of the old policy that remains grows, per step. */
  oldRise: number;
  /** The most that ever remains of it; 1 ends up holding it. */
  oldMost: number;
}

/** The least w±. */
const leastError = 1e-5;

/**
 * Appends the loss, a scalar, the sum over images of weight × loss, and each image's own, [images].
 * @param grade r of each, [images]
 */
export function appendNftLoss(
  b: Builder,
  { output, reference, target, old, spread, hold }: Omit<Denoised, 'excess' | 'tell'>,
  { grade, weight }: { grade: Value; weight: Value },
  { beta, klCoefficient }: Omit<NftSettings, 'oldRise' | 'oldMost'>,
): { loss: Value; each: Value } {
  const mean = (value: Value) => b.reduceMean(value, [1, 2, 3], false);
  const moved = b.scale(b.sub(output, old!), beta);
  /** |x̂0± − x_0|²/w±, from k·(v± − target). */
  const term = (prediction: Value) => {
    const error = b.mul(spread, b.sub(prediction, target));
    const size = b.op('Max', [mean(b.op('Abs', [error])), b.scalar(leastError)]);
    return b.div(mean(b.mul(error, error)), hold(size));
  };
  const [good, bad] = [term(b.add(old!, moved)), term(b.sub(old!, moved))];
  const graded = b.add(b.mul(grade, good), b.mul(b.sub(b.scalar(1), grade), bad));
  const apart = b.sub(output, reference);
  const distance = b.scale(mean(b.mul(apart, apart)), klCoefficient);
  const each = b.add(b.scale(graded, 1 / beta), distance);
  return { loss: b.reduceSum(b.mul(each, weight), [0], false), each };
}

/** DiffusionNFT for the trainer of noised images: examples are single images with a grade. */
export function nft({ oldRise, oldMost, ...settings }: NftSettings): NoisedImagesMethod {
  return {
    imagesPerExample: 1,
    oldDecay: (step) => Math.min(oldRise * step, oldMost),
    append: (b, denoised, images) => {
      const { loss, each } = appendNftLoss(
        b,
        denoised,
        {
          grade: b.input('grade', 'float32', [images]),
          weight: b.input('weight', 'float32', [images]),
        },
        settings,
      );
      denoised.tell(each);
      return loss;
    },
    feeds: (images, places) => ({
      grade: float32(
        [places],
        Array.from({ length: places }, (_, i) => images[i]?.grade ?? 0.5),
      ),
      weight: float32([places], weightsOf(images, places)),
    }),
    // Better denoised than by the reference where it won, worse where it lost.
    read: ([excess], { grade = 0.5 }) => ({ margin: (1 - 2 * grade) * excess! }),
  };
}
