/**
 * @file One training graph for the methods that ask how well a policy denoises finished images
 * (Diffusion-DPO, KTO): the error of its prediction at noised latents beyond the reference
 * policy's, the loss, and its gradient by every trained tensor.
 */
import { gradients } from '@/trainer/autodiff/gradients';
import type { DenoiseShape } from '@/trainer/diffusion/denoise/inputs';
import { Builder, type Value } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { appendAccumulation, type SecondMoment } from '../optimizer/accumulation';
import { declareGuidedPolicy } from '../policy/guided-policy';
import type { Trainable } from '../policy/trainable';

/** No guidance: what is asked is how well a policy denoises. */
export type NoiseStepShape = Omit<DenoiseShape, 'guidance'>;

/**
 * Inputs: `latents` (noised) and `target` [images, C, H, W] (what the denoiser should say: the
 * noise, or the velocity), `timestep`, `context`, `referenceOutput` (what the reference policy
 * says), what the loss declares, the trained tensors and the sums of their gradients so far.
 * Outputs: `loss`, `excess` [images], and the sums with this run's gradient added.
 */
export function buildNoiseStep(
  trainable: Trainable,
  shape: NoiseStepShape,
  append: (b: Builder, excess: Value) => Value,
  secondMoment: SecondMoment = 'step',
): Graph {
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
  const loss = append(b, excess);
  const found = gradients(b, { of: loss, wrt: weights });
  b.output(loss, 'loss');
  b.output(excess, 'excess');
  appendAccumulation(b, weights, found, secondMoment);
  return b.finish();
}
