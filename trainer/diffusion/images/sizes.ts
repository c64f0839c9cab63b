/**
 * @file Images of other sizes than a pipeline's own: latents of another shape, where its networks
 * take them.
 */
import type { DrawableSizes, ImageSize } from '@/lib/settings/image-sizes';
import { sizeText } from '@/lib/settings/image-sizes';
import { withStaticShapes } from '@/trainer/graph/inline';
import { GraphError } from '@/trainer/graph/model';
import { denoiserKindOf } from '../denoiser-kinds';
import { PipelineError } from '../pipeline-error';
import { openScheduler, type Pipeline } from '../pipelines/pipeline';
import { portNamed } from '../pipelines/static-network';
import { imageSizeOf } from './vae-encoder';

/**
 * The pipeline for images of another size, rounded to whole latents, whether its networks take them
 * or not; itself where the size is its own.
 */
export async function resizedTo(pipeline: Pipeline, size: ImageSize): Promise<Pipeline> {
  const own = imageSizeOf(pipeline);
  const { width, height } = size;
  if (width === own.width && height === own.height) return pipeline;
  const [channels, rows, columns] = pipeline.latentShape;
  const latent = (pixels: number, of: number, latents: number) =>
    Math.max(1, Math.round((pixels * latents) / of));
  const shape = [latent(height, own.height, rows), latent(width, own.width, columns)] as const;
  return {
    ...pipeline,
    latentShape: [channels, ...shape],
    // Some files shift noise levels by the number of an image's tokens.
    scheduler: await openScheduler(pipeline.folder, shape),
    reading: { ...pipeline.reading, imageSize: [height, width] },
  };
}

/**
 * The pipeline for images of another size; null: for its own. Throws a PipelineError, with what the
 * network said, where one does not take it.
 */
export async function sizedPipeline(pipeline: Pipeline, size: ImageSize | null): Promise<Pipeline> {
  if (size === null) return pipeline;
  const resized = await resizedTo(pipeline, size);
  if (resized === pipeline) return pipeline;
  const problem = problemOf(resized, size);
  if (problem === null) return resized;
  throw new PipelineError(
    `${pipeline.folder} cannot draw images of ${sizeText(size)} pixels: ${problem} Its own size is ${sizeText(imageSizeOf(pipeline))}.`,
  );
}

/** Why the networks do not take images of the size that a pipeline is for; null where they do. */
function problemOf(pipeline: Pipeline, { width, height }: ImageSize): string | null {
  const { denoiser, conditioning, latentShape } = pipeline;
  const rows = Object.entries(conditioning).map(([port, dims]) => [port, [1, ...dims]]);
  try {
    const { outputs } = withStaticShapes(denoiser.graph, {
      [denoiserKindOf(denoiser.graph).sample]: [1, ...latentShape],
      timestep: portNamed(denoiser.graph, 'inputs', 'timestep').dims.map(() => 1),
      ...Object.fromEntries(rows),
    });
    const given = outputs[0]?.dims.slice(1).join();
    if (given !== latentShape.join()) {
      return `the denoiser takes latents of ${latentShape.join('×')} and gives others.`;
    }
    const made = imageSizeOf(pipeline);
    if (made.width === width && made.height === height) return null;
    return `the decoder would make ${sizeText(made)} of it.`;
  } catch (thrown) {
    if (thrown instanceof GraphError) return thrown.message;
    throw thrown;
  }
}

/** Latents that a side may be a multiple of, and the times of the own size that are tried. */
const latentSteps = [1, 2, 4, 8, 16, 32, 64];
const growths = [4, 3, 2, 1.5, 1.25];

/**
 * Which other sizes a pipeline's networks take, by their shapes alone: multiples of the smallest
 * step that both sides may grow by, up to the largest size tried that fits.
 */
export async function drawableSizes(pipeline: Pipeline): Promise<DrawableSizes> {
  const own = imageSizeOf(pipeline);
  const [, rows, columns] = pipeline.latentShape;
  const takes = async (size: ImageSize) =>
    problemOf(await resizedTo(pipeline, size), size) === null;
  const pixels = { width: own.width / columns, height: own.height / rows };
  for (const step of latentSteps) {
    const multiplesOf = { width: step * pixels.width, height: step * pixels.height };
    const isWhole = own.width % multiplesOf.width === 0 && own.height % multiplesOf.height === 0;
    // Smaller, too: positions may end at the own size.
    const larger = added(own, multiplesOf, 1);
    const smaller = added(own, multiplesOf, -1);
    const takesBoth = isWhole && ((await takes(larger)) || (await takes(smaller)));
    if (!takesBoth) continue;
    for (const growth of growths) {
      const most = {
        width: floored(own.width * growth, multiplesOf.width),
        height: floored(own.height * growth, multiplesOf.height),
      };
      if (await takes(most)) return { multiplesOf, most: growth === growths[0] ? null : most };
    }
    return { multiplesOf, most: (await takes(larger)) ? larger : own };
  }
  return null;
}

const added = (own: ImageSize, by: ImageSize, times: number): ImageSize => ({
  width: own.width + times * by.width,
  height: own.height + times * by.height,
});

const floored = (value: number, step: number) => Math.floor(value / step) * step;
