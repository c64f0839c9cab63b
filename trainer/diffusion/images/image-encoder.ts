/**
 * @file Finished images to the latents they would have come from: the mean that a pipeline's VAE
 * encoder gives, scaled as diffusion has it. Without its noise, so that an image has the same
 * latents every time.
 */
import { fuseAttention } from '@/trainer/graph/attention/fuse';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { PipelineError } from '../pipeline-error';
import { finiteValues } from '../pipelines/finite';
import type { Pipeline } from '../pipelines/pipeline';
import { type RgbImage, toPlanes } from './png';
import { appendLatents, imageSizeOf, vaeEncoderOf } from './vae-encoder';

/** One image at a time. */
export class ImageEncoder {
  private constructor(
    private readonly engine: Engine,
    private readonly session: Session,
    private readonly graph: Graph,
    private readonly folder: string,
    readonly width: number,
    readonly height: number,
  ) {}

  /** Throws a PipelineError where the pipeline has no encoder, or one that cannot be used. */
  static async open(engine: Engine, pipeline: Pipeline): Promise<ImageEncoder> {
    const { graph, folder } = vaeEncoderOf(pipeline);
    const { width, height } = imageSizeOf(pipeline);
    const b = new Builder('image encoder');
    b.graph.source = graph.source;
    const images = b.input('images', 'float32', [1, 3, height, width]);
    b.output(appendLatents(b, graph, images, pipeline), 'latents');
    fuseAttention(b);
    const whole = b.finish();
    const session = await engine.load(serializeOnnx(whole), {
      name: 'image encoder',
      externalDataFolder: folder,
    });
    return new ImageEncoder(engine, session, whole, folder, width, height);
  }

  /** x_0, C · H · W numbers. @param source names the image in errors */
  async encode(image: RgbImage, source: string): Promise<Float32Array> {
    const { width, height } = this;
    if (image.width !== width || image.height !== height) {
      throw new PipelineError(
        `${source} has ${image.width}×${image.height} pixels, but the pipeline draws ${width}×${height}. Leave it out, or train the pipeline that drew it.`,
      );
    }
    const feeds = { images: float32([1, 3, height, width], toPlanes(image)) };
    const latents = outputOf(await this.session.run(feeds), 'latents', 'float32').data;
    return finiteValues(latents, {
      engine: this.engine,
      graph: () => this.graph,
      folder: this.folder,
      feeds,
      name: 'The image encoder',
      source: this.graph.source,
    });
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
