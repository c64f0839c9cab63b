/**
 * @file Images back to latents inside a graph: the mean of the autoencoder's posterior, on the
 * scale the UNet works in.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { inline, withStaticShapes } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { formatDims } from '@/trainer/graph/tensor';
import { PipelineError } from '../pipeline-error';
import type { Pipeline } from '../pipelines/pipeline';
import { type Component, portNamed } from '../pipelines/static-network';

const randomOps = new Set(['RandomNormal', 'RandomNormalLike']);

/**
 * The pipeline's image encoder. @throws PipelineError where it has none, or one that gives other
 * latents every time
 */
export function vaeEncoderOf({
  folder,
  vaeEncoder,
}: Pick<Pipeline, 'folder' | 'vaeEncoder'>): Component {
  if (!vaeEncoder) {
    throw new PipelineError(
      `${folder}/vae_encoder/model.onnx does not exist, so images cannot be turned back into latents. Export the pipeline with its VAE encoder (Optimum makes one by default).`,
    );
  }
  if (vaeEncoder.graph.nodes.some(({ op }) => randomOps.has(op))) {
    throw new PipelineError(
      `${vaeEncoder.graph.source} draws its latents at random, so an image would have others every time. Export it with a version of Optimum that gives "latent_parameters".`,
    );
  }
  return vaeEncoder;
}

/** Width and height of a pipeline's images in pixels, as its decoder makes them. */
export function imageSizeOf({ vaeDecoder, latentShape }: Pipeline): {
  width: number;
  height: number;
} {
  const { outputs } = withStaticShapes(vaeDecoder.graph, { latent_sample: [1, ...latentShape] });
  const [, , height, width] = outputs[0]?.dims ?? [];
  if (typeof height === 'number' && typeof width === 'number') return { width, height };
  throw new PipelineError(
    `${vaeDecoder.graph.source} does not say how large its images are. Export the pipeline again.`,
  );
}

/**
 * Appends x_0 [n, C, h, w] of `images` [n, 3, H, W] in [0, 1]. Exports name the output
 * latent_sample, or latent_parameters with the logarithm of the variance behind the mean; no noise
 * is added in either case.
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
  const { dtype } = portNamed(encoder, 'inputs', 'sample');
  const output = encoder.outputs.some(({ name }) => name === 'latent_parameters')
    ? 'latent_parameters'
    : 'latent_sample';
  portNamed(encoder, 'outputs', output);
  const signed = b.cast(b.sub(b.scale(images, 2), b.scalar(1)), dtype);
  const outputs = inline(b, encoder, { feeds: { sample: signed }, prefix: 'vae_encoder.' });
  const [channels, height, width] = latentShape;
  const encoded = b.cast(outputs[output]!, 'float32');
  const found = b.dims(encoded);
  const fits = found[1] === channels || found[1] === 2 * channels;
  if (!fits || found[2] !== height || found[3] !== width) {
    throw new PipelineError(
      `${encoder.source} turns images ${formatDims(b.dims(images))} into ${formatDims(found)}, but the denoiser works on ${formatDims(latentShape)}. Give images of the pipeline's own size.`,
    );
  }
  const mean = found[1] === channels ? encoded : b.slice(encoded, 1, 0, channels);
  return b.scale(b.sub(mean, b.scalar(shiftFactor)), scalingFactor);
}
