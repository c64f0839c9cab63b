/** @file What a method trains: a LoRA adapter at chosen modules, or all weights of the denoiser. */

import {
  type AdapterTensor,
  adapterTensors,
  attachAdapter,
} from '@/trainer/diffusion/adapters/lora';
import { type AdapterTargets, adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Builder, Value } from '@/trainer/graph/builder';
import type { InlineOptions } from '@/trainer/graph/inline';
import { type Graph, GraphError, isExternal } from '@/trainer/graph/model';

export interface Trainable {
  /** The denoiser as it came, before anything is trained. */
  base: Graph;
  /** The denoiser to inline while training. */
  denoiser: Graph;
  /**
   * Feeds of the denoiser's inputs beyond sample, timestep and context: its weights, where they are
   * trained.
   */
  feeds: Record<string, Value>;
  /** Trained tensors, in a fixed order. */
  tensors: readonly AdapterTensor[];
  /** Declares the trained tensors as graph inputs, in that order, and returns their values. */
  declare(b: Builder): Value[];
  /** Bytes that a run of its training may take at its peak; as many as it does unless told. */
  memoryBytes?: number;
  /** Hooks the trained tensors into the denoiser while it is inlined. */
  onNode?: InlineOptions['onNode'];
}

/**
 * A LoRA adapter of the given rank; `alpha` divided by rank scales it (1 when alpha is left out).
 */
export function trainableAdapter(
  denoiser: Graph,
  targets: AdapterTargets,
  rank: number,
  alpha = rank,
): Trainable {
  const sites = adapterSites(denoiser, targets);
  const tensors = adapterTensors(sites.values(), rank);
  return {
    base: denoiser,
    denoiser,
    feeds: {},
    tensors,
    declare: (b) => tensors.map(({ name, dims }) => b.input(name, 'float32', dims)),
    onNode: attachAdapter(sites, (name) => name, alpha / rank),
  };
}

const weightName = /\.(weight|bias)$/;

/** Every weight and bias of the denoiser. @throws GraphError when the exporter renamed them */
export function trainableWeights(denoiser: Graph): Trainable {
  const chosen = [...denoiser.constants].filter(
    ([name, constant]) =>
      weightName.test(name) && constant.dtype === 'float32' && !isExternal(constant),
  );
  const renamed = [...denoiser.constants.keys()].find((name) => name.startsWith('onnx::'));
  if (renamed || chosen.length === 0) {
    throw new GraphError(
      `${denoiser.source}: weight "${renamed ?? '(none)'}" does not carry its module's name, so full weights cannot be trained or saved. Train an adapter, or export it with weight names kept.`,
    );
  }
  const tensors = chosen.map(([name, constant]) => ({ name, dims: [...constant.dims] }));
  const constants = new Map([...denoiser.constants].filter(([name]) => !weightName.test(name)));
  const free: Graph = {
    ...denoiser,
    constants,
    inputs: [
      ...denoiser.inputs,
      ...chosen.map(([name, c]) => ({ name, dtype: c.dtype, dims: c.dims })),
    ],
  };
  return {
    base: denoiser,
    denoiser: free,
    feeds: Object.fromEntries(tensors.map(({ name }) => [name, name])),
    tensors,
    declare: (b) => tensors.map(({ name, dims }) => b.input(name, 'float32', dims)),
  };
}
