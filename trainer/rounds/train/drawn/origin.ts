/**
 * @file Prompts, embeddings and starting noise of images drawn during training. A function of the
 * round and the image's place alone.
 */
import type { Round } from '@/db/schema/rounds';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { startingNoise, stepNoise } from '@/trainer/diffusion/sampling/noise';
import { concatenated, sizeOf } from '@/trainer/graph/tensor';
import type { OpenedConditioning } from '@/trainer/methods/policy/conditioning';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import { promptsFrom } from '../../draw/plan';
import { trainingSeed } from '../../draw/random';

export interface OriginContext {
  round: Pick<Round, 'ordinal' | 'config'>;
  pipeline: Pick<Pipeline, 'latentShape'>;
  conditioning: Pick<OpenedConditioning, 'encode'>;
  /**
   * Images that a round draws: each round goes on in the deck of prompts where the last one
   * stopped.
   */
  imagesPerRound: number;
}

/**
 * Prompts, what the UNet is told of them, and noise of `images` images, from the round's `first`
 * on.
 */
export async function originOf(
  { round: { ordinal, config }, pipeline, conditioning, imagesPerRound }: OriginContext,
  first: number,
  images: number,
): Promise<DrawOrigin> {
  const size = sizeOf(pipeline.latentShape);
  const prompts = promptsFrom(config, (ordinal - 1) * imagesPerRound + first, images);
  const seeds = prompts.map((_, i) => trainingSeed('rollout', config.seed, ordinal, first + i));
  const contexts = await Promise.all(prompts.map((prompt) => conditioning.encode(prompt)));
  return {
    prompts,
    contexts,
    latents: concatenated(seeds.map((seed) => startingNoise(seed, size))),
    noise: (step) => concatenated(seeds.map((seed) => stepNoise(seed, step, size))),
  };
}
