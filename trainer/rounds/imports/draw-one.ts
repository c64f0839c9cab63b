/** @file One image of a pipeline, to be looked at by people. */
import { importImage } from '@/lib/pipeline-imports';
import { type RgbImage, toRgb } from '@/trainer/diffusion/images/png';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { startingNoise, stepNoise } from '@/trainer/diffusion/sampling/noise';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { sizeOf } from '@/trainer/graph/tensor';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import type { Engine } from '@/trainer/runtime/engine';

const { prompt, steps, guidance } = importImage;
const settings = { steps, eta: 0, guidance };
const seed = 1;

/** @param stepped told before each step, counted from 0 */
export async function drawOne(
  engine: Engine,
  pipeline: Pipeline,
  signal: AbortSignal,
  stepped: (step: number) => void,
): Promise<RgbImage> {
  const conditioning = await openConditioning(engine, pipeline);
  const context = await conditioning.encode(prompt);
  await conditioning.release();
  const sampler = await Sampler.open(engine, pipeline, { images: 1, settings });
  const size = sizeOf(pipeline.latentShape);
  const { states } = await sampler.rollout(
    {
      latents: startingNoise(seed, size),
      contexts: [context],
      empty: conditioning.options.emptyContext,
      noise: (step) => {
        stepped(step);
        return stepNoise(seed, step, size);
      },
    },
    signal,
  );
  const pixels = await sampler.decode(states.at(-1)!);
  await sampler.release();
  const { width, height } = imageSizeOf(pipeline);
  return toRgb(pixels, width, height);
}
