/** @file Images back to latents inside a graph: the mean of the autoencoder's posterior, on the scale the UNet works in. */
import type { Builder, Value } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { formatDims } from '@/trainer/graph/tensor';
import { PipelineError } from './files';
import { type Component, type Pipeline, portNamed } from './pipeline';

/** The pipeline's image encoder. @throws PipelineError where it has none */
export function vaeEncoderOf({
  folder,
  vaeEncoder,
}: Pick<Pipeline, 'folder' | 'vaeEncoder'>): Component {
  if (vaeEncoder) return vaeEncoder;
  throw new PipelineError(
    `${folder} has no vae_encoder, which turns images back into latents. Export the pipeline with Optimum, all its parts.`,
  );
}

/**
 * Appends x_0 [n, C, h, w] of `images` [n, 3, H, W] in [0, 1]. Exports name the output latent_sample, or
 * latent_parameters with the logarithm of the variance behind the mean; no noise is added in either case.
 */
export function appendLatents(
  b: Builder,
  encoder: Graph,
  images: Value,
  {
    latentShape,
    scalingFactor,
    shiftFactor,
  }: Pick<Pipeline, 'latentShape' | 'scalingFactor' | 'shiftFactor'>,
): Value {
  portNamed(encoder, 'inputs', 'sample');
  const signed = b.sub(b.scale(images, 2), b.scalar(1));
  const outputs = inline(b, encoder, { feeds: { sample: signed }, prefix: 'vae_encoder.' });
  const [channels, height, width] = latentShape;
  const encoded = Object.values(outputs)[0] as Value;
  const found = b.dims(encoded);
  const fits = found[1] === channels || found[1] === 2 * channels;
  if (!fits || found[2] !== height || found[3] !== width) {
    throw new PipelineError(
      `${encoder.source} turns images ${formatDims(b.dims(images))} into ${formatDims(found)}, but the UNet works on ${formatDims(latentShape)}. Give images of the pipeline's own size.`,
    );
  }
  const mean = found[1] === channels ? encoded : b.slice(encoded, 1, 0, channels);
  return b.scale(b.sub(mean, b.scalar(shiftFactor)), scalingFactor);
}
