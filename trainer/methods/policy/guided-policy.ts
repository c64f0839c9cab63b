/**
 * @file A policy's guided output as part of a training graph, with all it takes declared as graph
 * inputs.
 */

import { appendGuidedOutput } from '@/trainer/diffusion/denoise/guided-output';
import { type DenoiseShape, declareDenoiserInputs } from '@/trainer/diffusion/denoise/inputs';
import type { Builder, Value } from '@/trainer/graph/builder';
import type { Trainable } from './trainable';

/** Whose weights: the trained tensors as inputs, or the base policy's own. */
export type DenoisePolicy = 'trained' | 'base';

/**
 * Declares `latents` [images, C, H, W], `timestep`, `context`, `emptyContext` where guided, and the
 * trained tensors; appends the guided output, shaped like the latents.
 */
export function declareGuidedPolicy(
  b: Builder,
  trainable: Trainable,
  shape: DenoiseShape,
  policy: DenoisePolicy,
): { weights: Value[]; sample: Value; output: Value } {
  const denoiser = policy === 'base' ? trainable.base : trainable.denoiser;
  b.graph.source = denoiser.source;
  const inputs = { ...declareDenoiserInputs(b, denoiser, shape), guidance: shape.guidance };
  const weights = policy === 'base' ? [] : trainable.declare(b);
  const options = policy === 'base' ? {} : { onNode: trainable.onNode, feeds: trainable.feeds };
  const output = appendGuidedOutput(b, denoiser, inputs, options);
  return { weights, sample: inputs.sample, output };
}
