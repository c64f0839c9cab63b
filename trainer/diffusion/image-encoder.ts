/**
 * @file Finished images to the latents they would have come from: the mean that a pipeline's VAE encoder gives, scaled as
 * diffusion has it. Without its noise, so that an image has the same latents every time.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fromFloat32 } from '@/trainer/graph/float16';
import { withStaticShapes } from '@/trainer/graph/inline';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { sizeOf } from '@/trainer/graph/tensor';
import type { Engine, Session } from '@/trainer/runtime/engine';
import { PipelineError } from './files';
import type { RgbImage } from './images';
import { loadStatic, valuesOf } from './networks';
import { type Component, type Pipeline, portNamed } from './pipeline';

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

const randomOps = new Set(['RandomNormal', 'RandomNormalLike']);

async function openEncoder({ folder }: Pipeline): Promise<Component & { output: string }> {
  const path = join(folder, 'vae_encoder', 'model.onnx');
  if (!existsSync(path)) {
    throw new PipelineError(
      `${path} does not exist, so images without stored latents cannot be trained on. Export the pipeline with its VAE encoder (Optimum makes one by default), or train only on images drawn with it.`,
    );
  }
  const graph = await readOnnxFile(path);
  // Optimum gives mean and log-variance side by side; exports that give latents must not draw them.
  const output = graph.outputs.some(({ name }) => name === 'latent_parameters')
    ? 'latent_parameters'
    : 'latent_sample';
  portNamed(graph, 'outputs', output);
  if (graph.nodes.some(({ op }) => randomOps.has(op))) {
    throw new PipelineError(
      `${path} draws its latents at random, so an image would have others every time. Export it with a version of Optimum that gives "latent_parameters".`,
    );
  }
  return { graph, folder: join(folder, 'vae_encoder'), output };
}

/** One image at a time. */
export class ImageEncoder {
  private constructor(
    private readonly session: Session,
    private readonly pipeline: Pipeline,
    private readonly component: Component & { output: string },
    readonly width: number,
    readonly height: number,
  ) {}

  /** Throws a PipelineError where the pipeline has no encoder, or one that cannot be used. */
  static async open(engine: Engine, pipeline: Pipeline): Promise<ImageEncoder> {
    const component = await openEncoder(pipeline);
    const { width, height } = imageSizeOf(pipeline);
    const session = await loadStatic(engine, component, 'image encoder', {
      sample: [1, 3, height, width],
    });
    return new ImageEncoder(session, pipeline, component, width, height);
  }

  /** x_0, C · H · W numbers. @param source names the image in errors */
  async encode(image: RgbImage, source: string): Promise<Float32Array> {
    const { width, height } = this;
    if (image.width !== width || image.height !== height) {
      throw new PipelineError(
        `${source} has ${image.width}×${image.height} pixels, but the pipeline draws ${width}×${height}. Leave it out, or train the pipeline that drew it.`,
      );
    }
    const plane = width * height;
    const values = new Float32Array(3 * plane);
    for (let pixel = 0; pixel < plane; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        const byte = image.data[3 * pixel + channel] as number;
        values[channel * plane + pixel] = byte / 127.5 - 1;
      }
    }
    const { graph, output } = this.component;
    const { dtype } = portNamed(graph, 'inputs', 'sample');
    const outputs = await this.session.run(
      { sample: fromFloat32(dtype, [1, 3, height, width], values) },
      { fetch: [output] },
    );
    const { latentShape, scalingFactor, shiftFactor } = this.pipeline;
    const mean = valuesOf(outputs, output).subarray(0, sizeOf(latentShape));
    return mean.map((value) => (value - shiftFactor) * scalingFactor);
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
