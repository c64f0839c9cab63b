/**
 * @file A pipeline's networks, loaded with fixed shapes into an engine: prompt → embedding, latents
 * → image.
 */
import { fromFloat32, toFloat32 } from '@/trainer/graph/float16';
import { withStaticShapes } from '@/trainer/graph/inline';
import type { Port } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, sizeOf, tensor } from '@/trainer/graph/tensor';
import type { Engine, Outputs, Session } from '@/trainer/runtime/engine';
import { PipelineError } from '../pipeline-error';
import type { Conditioning } from './conditioning';
import { finiteValues } from './finite';
import { type Component, type Pipeline, portNamed } from './pipeline';

/**
 * Loads a network with these input shapes; shape arithmetic disappears and, on GPUs, so do its
 * detours.
 */
export async function loadStatic(
  engine: Engine,
  component: Component,
  name: string,
  dims: Record<string, readonly number[]>,
): Promise<Session> {
  const graph = withStaticShapes(component.graph, dims);
  return engine.load(serializeOnnx(graph), { name, externalDataFolder: component.folder });
}

/** An output's values, whatever floating point type the network computes in. */
export function valuesOf(outputs: Outputs, name: string): Float32Array {
  return toFloat32(outputs[name]!);
}

/** Prompts to what the UNet is told of them. */
export class PromptEncoder {
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #pipeline: Pipeline;
  readonly #idType: Port['dtype'];
  /** Prompts repeat: a round has few, and the empty one stands beside each. */
  readonly #known = new Map<string, Conditioning>();

  private constructor(engine: Engine, session: Session, pipeline: Pipeline) {
    this.#engine = engine;
    this.#session = session;
    this.#pipeline = pipeline;
    this.#idType = portNamed(pipeline.textEncoder.graph, 'inputs', 'input_ids').dtype;
  }

  static async open(engine: Engine, pipeline: Pipeline): Promise<PromptEncoder> {
    const tokens = pipeline.tokenizer.maxLength;
    const session = await loadStatic(engine, pipeline.textEncoder, 'text encoder', {
      input_ids: [1, tokens],
    });
    return new PromptEncoder(engine, session, pipeline);
  }

  async encode(prompt: string): Promise<Conditioning> {
    const known = this.#known.get(prompt);
    if (known) return known;
    const { tokenizer, conditioning, layout, textEncoder } = this.#pipeline;
    const { output, port } = layout.encoder;
    const ids = tokenizer.encode(prompt);
    const dims = [1, ids.length];
    const input_ids =
      this.#idType === 'int64' ? int64(dims, ids) : tensor('int32', dims, Int32Array.from(ids));
    const outputs = await this.#session.run({ input_ids }, { fetch: [output] });
    const embedding = await finiteValues(valuesOf(outputs, output), {
      engine: this.#engine,
      graph: () => withStaticShapes(textEncoder.graph, { input_ids: dims }),
      folder: textEncoder.folder,
      feeds: { input_ids },
      name: 'The text encoder',
      source: textEncoder.graph.source,
    });
    const shape = conditioning[port]!;
    if (embedding.length !== sizeOf(shape)) {
      throw new PipelineError(
        `${textEncoder.graph.source} gives ${embedding.length / ids.length} numbers a token, but the UNet attends to ${shape.at(-1)}: the two are not from one export.`,
      );
    }
    const encoded = { [port]: float32(shape, embedding) };
    if (this.#known.size >= 1024) this.#known.clear();
    this.#known.set(prompt, encoded);
    return encoded;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** Final latents to images, `images` at a time. */
export class ImageDecoder {
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #pipeline: Pipeline;
  readonly #dims: readonly number[];
  /** Pixels. */
  readonly width: number;
  readonly height: number;

  private constructor(
    engine: Engine,
    session: Session,
    pipeline: Pipeline,
    dims: readonly number[],
  ) {
    this.#engine = engine;
    this.#session = session;
    this.#pipeline = pipeline;
    this.#dims = dims;
    const output = session.outputs.find((port) => port.name === 'sample');
    const [, channels, height, width] = output?.dims ?? [];
    if (channels !== 3 || typeof height !== 'number' || typeof width !== 'number') {
      throw new PipelineError(
        `${pipeline.vaeDecoder.graph.source} gives images of shape [${output?.dims}]; Darkroom shows RGB, [n,3,height,width].`,
      );
    }
    this.height = height;
    this.width = width;
  }

  static async open(engine: Engine, pipeline: Pipeline, images: number): Promise<ImageDecoder> {
    const dims = [images, ...pipeline.latentShape];
    const session = await loadStatic(engine, pipeline.vaeDecoder, 'image decoder', {
      latent_sample: dims,
    });
    return new ImageDecoder(engine, session, pipeline, dims);
  }

  /** All images' pixels [images, 3, height, width] in [0, 1]. */
  async decode(latents: Float32Array): Promise<Float32Array> {
    const { scalingFactor, shiftFactor, vaeDecoder } = this.#pipeline;
    const { dtype } = portNamed(vaeDecoder.graph, 'inputs', 'latent_sample');
    const scaled = latents.map((value) => value / scalingFactor + shiftFactor);
    const feeds = { latent_sample: fromFloat32(dtype, this.#dims, scaled) };
    const outputs = await this.#session.run(feeds, { fetch: ['sample'] });
    const pixels = await finiteValues(valuesOf(outputs, 'sample'), {
      engine: this.#engine,
      graph: () => withStaticShapes(vaeDecoder.graph, { latent_sample: this.#dims }),
      folder: vaeDecoder.folder,
      feeds,
      name: 'The image decoder',
      source: vaeDecoder.graph.source,
    });
    return pixels.map((value) => Math.min(Math.max(value / 2 + 0.5, 0), 1));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
