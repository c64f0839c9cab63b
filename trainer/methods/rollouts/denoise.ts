/** @file A policy under training, denoising: forward with its current weights, and the product with a vector backwards. */
import { gradients } from '@/trainer/autodiff/gradients';
import {
  appendGuidedOutput,
  takesScalarTimestep,
  unetPort,
} from '@/trainer/diffusion/guided-output';
import { Builder, type Value } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { appendAccumulation, type SecondMoment } from '../optimizer/accumulation';
import type { Trainable } from '../trainable';

export interface DenoiseShape {
  /** Images in a run. */
  images: number;
  /** Latent [C, H, W]. */
  latent: readonly number[];
  /** Text embedding [tokens, width]. */
  context: readonly [number, number];
  guidance: number;
}

/** Whose weights: the trained tensors as inputs, or the base policy's own. */
export type DenoisePolicy = 'trained' | 'base';

/**
 * Inputs: `latents` [images, C, H, W], `timestep`, `context`, `emptyContext` where guided, and the trained tensors.
 * Output: `output`, the guided model output, shaped like the latents.
 */
export function buildDenoise(
  trainable: Trainable,
  shape: DenoiseShape,
  policy: DenoisePolicy,
): Graph {
  const b = new Builder('denoise', { ...trainable.unet.opsets });
  b.output(guidedOutput(b, trainable, shape, policy).output, 'output');
  return b.finish();
}

/**
 * Inputs: those of `buildDenoise`, `vector` (v, like the latents) and the sums so far (`appendAccumulation`). Outputs: the
 * sums with vᵀ·∂ε̂/∂θ added; with `throughInput`, `latentGradient`, vᵀ·∂ε̂/∂x_t.
 */
export function buildDenoiseProduct(
  trainable: Trainable,
  shape: DenoiseShape,
  throughInput: boolean,
  secondMoment: SecondMoment,
): Graph {
  const b = new Builder('denoise product', { ...trainable.unet.opsets });
  const { weights, sample, output } = guidedOutput(b, trainable, shape, 'trained');
  const vector = b.input('vector', 'float32', b.dims(output));
  const wrt = throughInput ? [...weights, sample] : weights;
  const found = gradients(b, { of: output, wrt, seed: vector });
  appendAccumulation(b, weights, found.slice(0, weights.length), secondMoment);
  if (throughInput) b.output(found[weights.length] as Value, 'latentGradient');
  return b.finish();
}

function guidedOutput(
  b: Builder,
  trainable: Trainable,
  { images, latent, context, guidance }: DenoiseShape,
  policy: DenoisePolicy,
) {
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
