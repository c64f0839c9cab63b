/** @file A policy's guided output as part of a training graph, with all it takes declared as graph inputs. */
import {
  appendGuidedOutput,
  takesScalarTimestep,
  unetPort,
} from '@/trainer/diffusion/guided-output';
import type { Builder, Value } from '@/trainer/graph/builder';
import type { Trainable } from './trainable';

export interface DenoiseShape {
  /** Images in a run. */
  images: number;
  /** Latent [C, H, W]. */
  latent: readonly number[];
  /** Text embedding [tokens, width]. */
  context: readonly [number, number];
  /** Guidance scale; 1 runs without the unconditional half. */
  guidance: number;
}

/** Whose weights: the trained tensors as inputs, or the base policy's own. */
export type DenoisePolicy = 'trained' | 'base';

/**
 * Declares `latents` [images, C, H, W], `timestep`, `context`, `emptyContext` where guided, and the trained tensors;
 * appends the guided output, shaped like the latents.
 */
export function declareGuidedPolicy(
  b: Builder,
  trainable: Trainable,
  { images, latent, context, guidance }: DenoiseShape,
  policy: DenoisePolicy,
): { weights: Value[]; sample: Value; output: Value } {
  const unet = policy === 'base' ? trainable.base : trainable.unet;
  b.graph.source = unet.source;
  const sample = b.input('latents', 'float32', [images, ...latent]);
  const timestep = b.input(
    'timestep',
    unetPort(unet, 'timestep').dtype,
    takesScalarTimestep(unet) ? [] : [images],
  );
  const weights = policy === 'base' ? [] : trainable.declare(b);
  const inputs = {
    sample,
    timestep,
    guidance,
    context: b.input('context', 'float32', [images, ...context]),
    ...(guidance !== 1 && { emptyContext: b.input('emptyContext', 'float32', [1, ...context]) }),
  };
  const options = policy === 'base' ? {} : { onNode: trainable.onNode, feeds: trainable.feeds };
  return { weights, sample, output: appendGuidedOutput(b, unet, inputs, options) };
}
