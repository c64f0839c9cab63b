/** @file Whether a round's training fits into the memory that a worker may take. */
import { type Method, methods } from '@/lib/methods';
import type { RunConfig } from '@/lib/settings/run-config';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { buildDenoiseProduct } from '@/trainer/methods/policy/denoise';
import { memoryBudget } from '../pipelines/machine';
import { mostImagesPerRun } from './method-settings';
import { trainableOf, trainedDenoiser } from './policy-file';

/**
 * Counts the largest run of the network, forward and backward, that a round's method may make.
 *
 * @throws MemoryBudgetError where it fits no way
 */
export async function checkMemory(
  pipeline: Pipeline,
  method: Method,
  config: RunConfig,
): Promise<void> {
  if (memoryBudget() === undefined) return;
  const { training, sampling } = config;
  const compares = methods[method].training === 'pairs';
  const own = config[method];
  const guided = 'guidanceInTraining' in own && own.guidanceInTraining;
  const shape = {
    images: mostImagesPerRun(pipeline, compares ? 2 : 1),
    latent: pipeline.latentShape,
    context: pipeline.conditioning,
    guidance: guided ? sampling.guidanceScale : 1,
  };
  const denoiser = await trainedDenoiser(pipeline.denoiser.graph, training);
  buildDenoiseProduct(trainableOf(denoiser, training), shape, false, 'step');
}
