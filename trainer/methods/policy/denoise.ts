/**
 * @file A policy under training, denoising: forward with its current weights, and the product with
 * a vector backwards.
 */
import { gradients } from '@/trainer/autodiff/gradients';
import { withinMemory } from '@/trainer/autodiff/plan';
import type { DenoiseShape } from '@/trainer/diffusion/denoise/inputs';
import { fuseAttention } from '@/trainer/graph/attention/fuse';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { appendAccumulation, type SecondMoment } from '../optimizer/accumulation';
import { type DenoisePolicy, declareGuidedPolicy } from './guided-policy';
import type { Trainable } from './trainable';

/**
 * Inputs: `latents` [images, C, H, W], `timestep`, `context`, `emptyContext` where guided, and the
 * trained tensors. Output: `output`, the guided model output, shaped like the latents.
 */
export function buildDenoise(
  trainable: Trainable,
  shape: DenoiseShape,
  policy: DenoisePolicy,
): Graph {
  const b = new Builder('denoise');
  b.output(declareGuidedPolicy(b, trainable, shape, policy).output, 'output');
  fuseAttention(b);
  return b.finish();
}

/**
 * Inputs: those of `buildDenoise` and `vector` (v, like the latents). Output: `latentGradient`,
 * vᵀ·∂ε̂/∂x_t.
 */
export function buildInputProduct(
  trainable: Trainable,
  shape: DenoiseShape,
  policy: DenoisePolicy,
): Graph {
  return withinMemory(trainable.memoryBytes, (recompute) => {
    const b = new Builder('input product');
    const { sample, output } = declareGuidedPolicy(b, trainable, shape, policy);
    const vector = b.input('vector', 'float32', b.dims(output));
    const [found] = gradients(b, { of: output, wrt: [sample], seed: vector, recompute });
    b.output(found!, 'latentGradient');
    return b;
  });
}

/**
 * Inputs: those of `buildDenoise`, `vector` (v, like the latents) and the sums so far
 * (`appendAccumulation`). Outputs: the sums with vᵀ·∂ε̂/∂θ added; with `throughInput`,
 * `latentGradient`, vᵀ·∂ε̂/∂x_t.
 */
export function buildDenoiseProduct(
  trainable: Trainable,
  shape: DenoiseShape,
  throughInput: boolean,
  secondMoment: SecondMoment,
): Graph {
  return withinMemory(trainable.memoryBytes, (recompute) => {
    const b = new Builder('denoise product');
    const { weights, sample, output } = declareGuidedPolicy(b, trainable, shape, 'trained');
    const vector = b.input('vector', 'float32', b.dims(output));
    const wrt = throughInput ? [...weights, sample] : weights;
    const found = gradients(b, { of: output, wrt, seed: vector, recompute });
    appendAccumulation(b, weights, found.slice(0, weights.length), secondMoment);
    if (throughInput) b.output(found[weights.length]!, 'latentGradient');
    return b;
  });
}
