/**
 * @file What learns in an experiment: the pipeline, and the tensors in which its policies differ
 * from the base.
 */

import type { AdamWSettings } from '@/trainer/autodiff/adamw';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { type AdapterTargets, adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { PolicyWeights } from '@/trainer/diffusion/denoise/denoiser';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { SecondMoment } from '@/trainer/methods/optimizer/accumulation';
import { type Trainable, trainableAdapter } from '@/trainer/methods/policy/trainable';
import type { Engine } from '@/trainer/runtime/engine';

export interface TrainingSettings {
  steps: number;
  eta: number;
  guidance: number;
  targets: AdapterTargets;
  rank: number;
  beta: number;
  clipRange: number;
  learningRate: number;
  adamW: AdamWSettings;
  secondMoment: SecondMoment;
  /** Share of the denoising steps that may be trained on, from the noisiest on. */
  noisiestShare: number;
  /** Share of those trained on, drawn anew for every example. */
  timestepFraction: number;
  /** Passes over what was judged in a round. */
  epochs: number;
  /** Groups or pairs whose gradients are averaged into one optimizer step. */
  perStep: number;
}

export interface Student {
  engine: Engine;
  pipeline: Pipeline;
  settings: TrainingSettings;
  trainable: Trainable;
}

export function openStudent(
  engine: Engine,
  pipeline: Pipeline,
  settings: TrainingSettings,
): Student {
  const trainable = trainableAdapter(pipeline.denoiser.graph, settings.targets, settings.rank);
  return { engine, pipeline, settings, trainable };
}

/** The adapter before anything was learned: it changes nothing. */
export function untrained({ pipeline, settings }: Student, gaussian: () => number): Adapter {
  const sites = adapterSites(pipeline.denoiser.graph, settings.targets);
  return initialAdapter(sites.values(), settings.rank, gaussian);
}

/** How the sampler takes a policy; the base where `adapter` is undefined. */
export function policyOf(
  { trainable }: Student,
  adapter: Adapter | undefined,
): { policy?: PolicyWeights } {
  return adapter ? { policy: { ...trainable, tensors: adapter } } : {};
}
