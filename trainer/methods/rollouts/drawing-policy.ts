/** @file A policy that draws images while it is trained: what all methods that do so open first. */

import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { DenoiseShape } from '@/trainer/diffusion/denoise/inputs';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { RolloutSettings } from '@/trainer/diffusion/sampling/trajectory';
import type { Engine } from '@/trainer/runtime/engine';
import { Division, lanesFor } from '@/trainer/runtime/lanes';
import type { OptimizerOptions } from '../optimizer/optimizer';
import { Replicas } from '../optimizer/replicas';
import type { Trainable } from '../policy/trainable';
import { LaneDenoiser } from './lane-denoiser';
import { TrainedDenoiser } from './trained-denoiser';

export interface DrawingOptions extends OptimizerOptions {
  trainable: Trainable;
  pipeline: Pipeline;
  /** What the denoiser is told of the empty prompt. */
  emptyContext: Conditioning;
  settings: RolloutSettings;
  /** Images in a batch that is drawn, and at most in a run of a training graph. */
  images: number;
  learningRate: number;
}

export interface DrawingPolicy {
  replicas: Replicas;
  denoiser: TrainedDenoiser;
  shape: DenoiseShape;
}

/**
 * @param mostLanes among which a batch may be divided
 * @param reference trained tensors of the policy to compare with; the base policy's where they are
 * left out
 */
export async function openDrawingPolicy(
  engine: Engine,
  options: DrawingOptions,
  { mostLanes = options.images, reference }: { mostLanes?: number; reference?: Adapter } = {},
): Promise<DrawingPolicy> {
  const { trainable, pipeline, emptyContext, settings, images } = options;
  const shape = {
    images,
    latent: pipeline.latentShape,
    context: pipeline.conditioning,
    guidance: settings.guidance,
  };
  const engines = await lanesFor(engine, pipeline.denoiser.graph, mostLanes);
  const division = new Division(images, engines.length);
  const replicas = await Replicas.open(
    engines.slice(0, division.lanes),
    trainable.tensors,
    options,
  );
  const denoisers = replicas.lanes.map(
    (lane) =>
      new LaneDenoiser(lane.engine, lane.optimizer, {
        trainable,
        shape: { ...shape, images: division.rows },
        emptyContext,
        externalDataFolder: pipeline.denoiser.folder,
        ...(reference && { reference }),
      }),
  );
  return { replicas, denoiser: new TrainedDenoiser(denoisers, division), shape };
}
