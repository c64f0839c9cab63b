/**
 * @file One training graph for the methods whose loss is a function of transition densities (D3PO,
 * DDPO, DPOK): guided denoising with the adapter, both log-probabilities, the loss, and its
 * gradient by every trained tensor.
 */
import { gradients, holding } from '@/trainer/autodiff/gradients';
import { withinMemory } from '@/trainer/autodiff/plan';
import type { DenoiseShape } from '@/trainer/diffusion/denoise/inputs';
import {
  appendLogProbability,
  appendMean,
  appendTransitionKl,
  stepInputs,
} from '@/trainer/diffusion/sampling/transition';
import { Builder, type Value } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { appendAccumulation, type SecondMoment } from '../optimizer/accumulation';
import { declareGuidedPolicy } from '../policy/guided-policy';
import type { Trainable } from '../policy/trainable';

export interface TransitionStepShape extends DenoiseShape {
  /** Bound on |x̂0|, Infinity for none. */
  clip: number;
}

/** What a loss may be made of: one number per image, [images], where nothing else is said. */
export interface TransitionValues {
  logProbability: Value;
  referenceLogProbability: Value;
  /** KL of the two policies' transitions. */
  kl: Value;
  /** Mean squared difference of their guided outputs. */
  outputDistance: Value;
  /** x_t' less the policy's mean, [images, C, H, W]. */
  residual: Value;
  /** What the policy and its reference say, guided, [images, C, H, W]. */
  output: Value;
  referenceOutput: Value;
  /** Marks a value through which no gradient flows. */
  hold(value: Value): Value;
}

export interface TransitionLoss {
  /** Appends the loss, a scalar; may declare more graph inputs. */
  append(b: Builder, values: TransitionValues): Value;
}

/**
 * Inputs: `latents`, `nextLatents`, `referenceOutput` [images, C, H, W] (x_t, x_t' and the
 * reference policy's guided output), `timestep`, `context`, `emptyContext`, the step's numbers
 * (`stepFeeds`), what the loss declares, the trained tensors and the sums of their gradients so far
 * (`appendAccumulation`). Outputs: `loss`, `logProbability`, `referenceLogProbability` and `kl` of
 * this run, and the sums with its gradient added.
 */
export function buildTransitionStep(
  trainable: Trainable,
  shape: TransitionStepShape,
  loss: TransitionLoss,
  secondMoment: SecondMoment = 'step',
): Graph {
  return withinMemory(trainable.memoryBytes, (recompute) => {
    const b = new Builder('transition-step');
    const { images, latent, clip } = shape;
    const { weights, sample, output } = declareGuidedPolicy(b, trainable, shape, 'trained');
    const next = b.input('nextLatents', 'float32', [images, ...latent]);
    const referenceOutput = b.input('referenceOutput', 'float32', [images, ...latent]);
    const step = stepInputs(b, images);
    const mean = appendMean(b, step, sample, output, clip);
    const referenceMean = appendMean(b, step, sample, referenceOutput, clip);
    const logProbability = appendLogProbability(b, step, next, mean);
    const referenceLogProbability = appendLogProbability(b, step, next, referenceMean);
    const kl = appendTransitionKl(b, step, mean, referenceMean);
    const difference = b.sub(output, referenceOutput);
    const outputDistance = b.reduceMean(b.mul(difference, difference), [1, 2, 3], false);
    const { held, hold } = holding();
    const total = loss.append(b, {
      logProbability,
      referenceLogProbability,
      kl,
      outputDistance,
      residual: b.sub(next, mean),
      output,
      referenceOutput,
      hold,
    });
    const found = gradients(b, { of: total, wrt: weights, stop: held, recompute });
    b.output(total, 'loss');
    b.output(logProbability, 'logProbability');
    b.output(referenceLogProbability, 'referenceLogProbability');
    b.output(kl, 'kl');
    appendAccumulation(b, weights, found, secondMoment);
    return b;
  });
}
