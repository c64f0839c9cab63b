/** @file Features of finished images, many at a time: what a reward model is trained on. */
import { type RgbImage, toPlanes } from '@/trainer/diffusion/images/png';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { concatenated, float32 } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { appendFeatures, openFeatureNetworks } from './features';

export interface ReadImage {
  image: RgbImage;
  /** Text embedding of its prompt, [tokens, width]. */
  context: Float32Array;
}

export class FeatureReader {
  private constructor(
    private readonly session: Session,
    private readonly imageDims: readonly [number, number, number, number],
    private readonly contextDims: readonly [number, number, number],
  ) {}

  /** @param images in one run */
  static async open(engine: Engine, pipeline: Pipeline, images: number): Promise<FeatureReader> {
    const networks = await openFeatureNetworks(pipeline);
    const { width, height } = imageSizeOf(pipeline);
    const { tokenizer, embeddingSize } = pipeline;
    const imageDims = [images, 3, height, width] as const;
    const contextDims = [images, tokenizer.maxLength, embeddingSize] as const;
    const b = new Builder('features', { ...networks.unet.opsets });
    const pixels = b.input('images', 'float32', imageDims);
    const context = b.input('context', 'float32', contextDims);
    b.output(appendFeatures(b, networks, pixels, context), 'features');
    const session = await engine.load(serializeOnnx(b.finish()), { name: 'reward features' });
    return new FeatureReader(session, imageDims, contextDims);
  }

  /** The features of each image, [width]. @param images at most as many as a run takes */
  async read(images: readonly ReadImage[]): Promise<Float32Array[]> {
    const { imageDims, contextDims } = this;
    const [count, , height, width] = imageDims;
    const [first] = images;
    if (!first) return [];
    const misfit = images.find(
      ({ image }) => image.width !== width || image.height !== height,
    )?.image;
    if (misfit) {
      throw new RangeError(
        `An image of ${misfit.width}×${misfit.height} pixels cannot be read by a pipeline of ${width}×${height}. Leave it out.`,
      );
    }
    // A run is always full: the first image fills it up.
    const full = Array.from({ length: count }, (_, i) => images[i] ?? first);
    const out = await this.session.run({
      images: float32(imageDims, concatenated(full.map(({ image }) => toPlanes(image)))),
      context: float32(contextDims, concatenated(full.map(({ context }) => context))),
    });
    const { data, dims } = outputOf(out, 'features', 'float32');
    const size = dims[1] as number;
    return images.map((_, row) => data.slice(row * size, (row + 1) * size));
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
