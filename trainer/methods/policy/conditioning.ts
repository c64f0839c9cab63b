/** @file What training takes from a pipeline as it is: where its data lies, its shapes, its scheduler and its texts. */
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';

/** What feeding a pipeline's UNet takes, whoever trains it. */
export interface PipelineInputs {
  /** Folder of the UNet's external data, where it has any. */
  externalDataFolder?: string;
  scheduler: Scheduler;
  latent: readonly [number, number, number];
  /** [tokens, width]. */
  context: readonly [number, number];
  /** Text embedding of the empty prompt, [tokens, width]. */
  emptyContext: Tensor<'float32'>;
}

export interface Conditioning {
  options: PipelineInputs;
  /** Text embedding of a prompt, [tokens, width]. */
  encode(prompt: string): Promise<Tensor<'float32'>>;
  release(): Promise<void>;
}

/** Opens the pipeline's text encoder and gives what every trainer of this pipeline shares. */
export async function openConditioning(engine: Engine, pipeline: Pipeline): Promise<Conditioning> {
  const encoder = await PromptEncoder.open(engine, pipeline);
  const context = [pipeline.tokenizer.maxLength, pipeline.embeddingSize] as const;
  const encode = async (prompt: string) => float32(context, await encoder.encode(prompt));
  return {
    options: {
      externalDataFolder: pipeline.unet.folder,
      scheduler: pipeline.scheduler,
      latent: pipeline.latentShape,
      context,
      emptyContext: await encode(''),
    },
    encode,
    release: () => encoder.release(),
  };
}
