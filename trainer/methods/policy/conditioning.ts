/**
 * @file What training takes from a pipeline as it is: where its data lies, its shapes, its
 * scheduler and its texts.
 */
import type { Conditioning, ConditioningShape } from '@/trainer/diffusion/pipelines/conditioning';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import type { Engine } from '@/trainer/runtime/engine';

/** What feeding a pipeline's denoiser takes, whoever trains it. */
export interface PipelineInputs {
  /** Folder of the denoiser's external data, where it has any. */
  externalDataFolder?: string;
  scheduler: Scheduler;
  latent: readonly [number, number, number];
  context: ConditioningShape;
  /** What the denoiser is told of no prompt. */
  emptyContext: Conditioning;
}

/** A pipeline's text encoder at work. */
export interface OpenedConditioning {
  options: PipelineInputs;
  encode(prompt: string): Promise<Conditioning>;
  release(): Promise<void>;
}

/** Opens the pipeline's text encoder and gives what every trainer of this pipeline shares. */
export async function openConditioning(
  engine: Engine,
  pipeline: Pipeline,
): Promise<OpenedConditioning> {
  const encoder = await PromptEncoder.open(engine, pipeline);
  const encode = (prompt: string) => encoder.encode(prompt);
  return {
    options: {
      externalDataFolder: pipeline.denoiser.folder,
      scheduler: pipeline.scheduler,
      latent: pipeline.latentShape,
      context: pipeline.conditioning,
      emptyContext: await encoder.encodeNone(),
    },
    encode,
    release: () => encoder.release(),
  };
}
