/**
 * @file A pipeline's networks, loaded with fixed shapes into an engine: prompt → embedding, latents
 * → image.
 */
import { fromFloat32 } from '@/trainer/graph/float16';
import { withStaticShapes } from '@/trainer/graph/inline';
import { formatDims, sameDims } from '@/trainer/graph/tensor';
import type { Engine, Session } from '@/trainer/runtime/engine';
import { PipelineError } from '../pipeline-error';
import type { Conditioning } from './conditioning';
import { finiteValues } from './finite';
import type { PromptReading } from './layouts';
import type { Pipeline } from './pipeline';
import { loadStatic, portNamed, valuesOf } from './static-network';
import { TextNetwork } from './text-network';

/** Prompts to what the denoiser is told of them. */
export class PromptEncoder {
  readonly #networks: ReadonlyMap<string, TextNetwork>;
  readonly #pipeline: Pipeline;
  /** Prompts repeat: a round has few, and that of no prompt stands beside each. */
  readonly #known = new Map<string | null, Conditioning>();

  private constructor(networks: ReadonlyMap<string, TextNetwork>, pipeline: Pipeline) {
    this.#networks = networks;
    this.#pipeline = pipeline;
  }

  static async open(engine: Engine, pipeline: Pipeline): Promise<PromptEncoder> {
    const networks = new Map<string, TextNetwork>();
    for (const [folder, component] of pipeline.textEncoders) {
      networks.set(folder, await TextNetwork.open(engine, component));
    }
    return new PromptEncoder(networks, pipeline);
  }

  /** What the denoiser is told of a prompt; the empty one is a prompt, too. */
  encode(prompt: string): Promise<Conditioning> {
    return this.#encode(prompt);
  }

  /** What it is told of no prompt: what guidance leads away from. */
  encodeNone(): Promise<Conditioning> {
    return this.#encode(null);
  }

  async release(): Promise<void> {
    for (const network of this.#networks.values()) await network.release();
  }

  async #encode(prompt: string | null): Promise<Conditioning> {
    const known = this.#known.get(prompt);
    if (known) return known;
    const { layout, conditioning: shape, reading, embeddings } = this.#pipeline;
    const read: PromptReading['read'] = async (encoder, text, instructed) =>
      this.#networks.get(encoder)?.read(text, instructed);
    const encoded = embeddings
      ? embeddings.of(prompt, shape)
      : await layout.conditioning({ ...reading, prompt, read, shape });
    this.#check(encoded);
    if (this.#known.size >= 1024) this.#known.clear();
    this.#known.set(prompt, encoded);
    return encoded;
  }

  #check(encoded: Conditioning): void {
    const { denoiser, conditioning } = this.#pipeline;
    for (const [port, dims] of Object.entries(conditioning)) {
      const given = encoded[port]?.dims ?? [];
      if (sameDims(given, dims)) continue;
      throw new PipelineError(
        `${denoiser.graph.source} takes ${formatDims(dims)} of a prompt as "${port}", but the text encoders beside it give ${formatDims(given)}: they are not from one export. Export the pipeline again.`,
      );
    }
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
