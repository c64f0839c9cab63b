/** @file A policy that draws images while it is trained: what all methods that do so open first. */
import type { Adapter } from '@/trainer/diffusion/lora';
import type { Pipeline } from '@/trainer/diffusion/pipeline';
import type { RolloutSettings } from '@/trainer/diffusion/trajectory';
import type { Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import type { DenoiseShape } from '../guided-policy';
import { Optimizer, type OptimizerOptions } from '../optimizer/optimizer';
import type { Trainable } from '../trainable';
import { TrainedDenoiser } from './trained-denoiser';

export interface DrawingOptions extends OptimizerOptions {
  trainable: Trainable;
  pipeline: Pipeline;
  /** Text embedding of the empty prompt, [tokens, width]. */
  emptyContext: Tensor<'float32'>;
  settings: RolloutSettings;
  /** Images in a batch that is drawn, and at most in a run of a training graph. */
  images: number;
  learningRate: number;
}

export interface DrawingPolicy {
  optimizer: Optimizer;
  denoiser: TrainedDenoiser;
  shape: DenoiseShape;
}

/** @param reference trained tensors of the policy to compare with; the base policy's where they are left out */
export async function openDrawingPolicy(
  engine: Engine,
  options: DrawingOptions,
  reference?: Adapter,
): Promise<DrawingPolicy> {
  const { trainable, pipeline, emptyContext, settings, images } = options;
  const context = [pipeline.tokenizer.maxLength, pipeline.embeddingSize] as const;
  const shape = { images, latent: pipeline.latentShape, context, guidance: settings.guidance };
  const optimizer = await Optimizer.open(engine, trainable.tensors, options);
  const denoiser = new TrainedDenoiser(engine, optimizer, {
    trainable,
    shape,
    emptyContext,
    externalDataFolder: pipeline.unet.folder,
    ...(reference && { reference }),
  });
  return { optimizer, denoiser, shape };
}
