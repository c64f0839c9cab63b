/** @file Features of finished images, many at a time: what a reward model is trained on. */

import { type RgbImage, toPlanes } from '@/trainer/diffusion/images/png';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import {
  type Conditioning,
  type ConditioningShape,
  stacked,
} from '@/trainer/diffusion/pipelines/conditioning';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { fuseAttention } from '@/trainer/graph/attention/fuse';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { concatenated, float32 } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { appendFeatures, openFeatureNetworks } from './features';

export interface ReadImage {
  image: RgbImage;
  /** Of its prompt. */
  context: Conditioning;
}

export class FeatureReader {
  private constructor(
    private readonly session: Session,
    private readonly imageDims: readonly [number, number, number, number],
    private readonly conditioning: ConditioningShape,
  ) {}

  /** @param images in one run */
  static async open(engine: Engine, pipeline: Pipeline, images: number): Promise<FeatureReader> {
    const networks = await openFeatureNetworks(pipeline);
    const { width, height } = imageSizeOf(pipeline);
    const imageDims = [images, 3, height, width] as const;
    const { conditioning } = pipeline;
    const b = new Builder('features');
    const pixels = b.input('images', 'float32', imageDims);
    const context = Object.fromEntries(
      Object.entries(conditioning).map(([port, dims]) => [
        port,
        b.input(port, 'float32', [images, ...dims]),
      ]),
    );
    b.output(appendFeatures(b, networks, pixels, context), 'features');
    fuseAttention(b);
    const session = await engine.load(serializeOnnx(b.finish()), { name: 'reward features' });
    return new FeatureReader(session, imageDims, conditioning);
  }

  /** The features of each image, [width]. @param images at most as many as a run takes */
  async read(images: readonly ReadImage[]): Promise<Float32Array[]> {
    const { imageDims, conditioning } = this;
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
      ...stacked(
        conditioning,
        full.map(({ context }) => context),
      ),
    });
    const { data, dims } = outputOf(out, 'features', 'float32');
    const size = dims[1]!;
    return images.map((_, row) => data.slice(row * size, (row + 1) * size));
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
