/**
 * @file One training graph for the methods that ask how well a policy denoises finished images
 * (Diffusion-DPO, KTO) or wants: the error of its prediction at noised latents beyond the reference
 * policy's, the loss, and its gradient by every trained tensor.
 */
import { gradients, holding } from '@/trainer/autodiff/gradients';
import { withinMemory } from '@/trainer/autodiff/plan';
import type { DenoiseShape } from '@/trainer/diffusion/denoise/inputs';
import { Builder, type Value } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { appendAccumulation, type SecondMoment } from '../optimizer/accumulation';
import { declareGuidedPolicy } from '../policy/guided-policy';
import type { Trainable } from '../policy/trainable';
import type { Denoised } from './method';
import { appendNormGuard } from './norm-guard';

/** No guidance: what is asked is how well a policy denoises. */
export type NoiseStepShape = Omit<DenoiseShape, 'guidance'>;

/**
 * Inputs: `latents` (noised) and `target` [images, C, H, W] (what the denoiser should say: the
 * noise, or the velocity), `spread` [images], `timestep`, `context`, `referenceOutput` (what the
 * reference policy says), `oldOutput` where there is an old policy, `share` [images] where there is
 * a hinge (of each image in the mean over the step), what the loss declares, the trained tensors
 * and the sums of their gradients so far.
 * Outputs: `loss`, `excess` and `normRatio` [images], `losses` [places] where the method tells
 * them, and the sums with this run's gradient added.
 */
export function buildNoiseStep(
  trainable: Trainable,
  shape: NoiseStepShape,
  loss: {
    append: (b: Builder, denoised: Denoised) => Value;
    withOld: boolean;
    /** Coefficient of the hinge on the norm, 0 for none. */
    normHinge?: number;
  },
  secondMoment: SecondMoment = 'step',
): Graph {
  return withinMemory(trainable.memoryBytes, (recompute) => {
    const b = new Builder('noise step');
    const guided = { ...shape, guidance: 1 };
    const { weights, output } = declareGuidedPolicy(b, trainable, guided, 'trained');
    const dims = b.dims(output);
    const reference = b.input('referenceOutput', 'float32', dims);
    const target = b.input('target', 'float32', dims);
    // (ε − a)² − (ε − b)² as (a − b)·(a + b − 2ε): the difference of two nearly equal errors would
    // lose its digits.
    const apart = b.sub(output, reference);
    const around = b.sub(b.add(output, reference), b.scale(target, 2));
    const excess = b.reduceMean(b.mul(apart, around), [1, 2, 3], false);
    const { held, hold } = holding();
    const value = loss.append(b, {
      excess,
      output,
      reference,
      target,
      ...(loss.withOld && { old: b.input('oldOutput', 'float32', dims) }),
      spread: b.reshape(b.input('spread', 'float32', [shape.images]), [shape.images, 1, 1, 1]),
      hold,
      tell: (losses) => b.output(losses, 'losses'),
    });
    const { ratio, hinge } = appendNormGuard(b, output, reference);
    const { normHinge = 0 } = loss;
    const total =
      normHinge > 0
        ? b.add(
            value,
            b.scale(
              b.reduceSum(b.mul(hinge, b.input('share', 'float32', [shape.images])), [0], false),
              normHinge,
            ),
          )
        : value;
    const found = gradients(b, { of: total, wrt: weights, stop: held, recompute });
    b.output(total, 'loss');
    b.output(ratio, 'normRatio');
    b.output(excess, 'excess');
    appendAccumulation(b, weights, found, secondMoment);
    return b;
  });
}
