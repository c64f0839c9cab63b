/** @file The UNet with classifier-free guidance: both halves of the guidance in one run. */
import { fromFloat32 } from '@/trainer/graph/float16';
import type { Graph, Port } from '@/trainer/graph/model';
import { int64, sizeOf, type Tensor, tensor } from '@/trainer/graph/tensor';
import type { Engine, Feeds, Session } from '@/trainer/runtime/engine';
import { PipelineError } from './files';
import { loadStatic, valuesOf } from './networks';
import { type Pipeline, portNamed } from './pipeline';

export interface DenoiserOptions {
  /** Images denoised together. */
  images: number;
  /** Guidance scale; 1 runs without the unconditional half. */
  guidance: number;
  /** The UNet with an adapter in it, instead of the pipeline's own. Its further inputs take `weights`. */
  graph?: Graph;
  /** Values of the further inputs, by name; they stay in the engine. */
  weights?: ReadonlyMap<string, Tensor>;
}

let count = 0;

export class Denoiser {
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #options: DenoiserOptions;
  readonly #ports: { sample: Port; timestep: Port; embeddings: Port };
  readonly #shape: readonly number[];
  /** Tokens and width of one row's embedding. */
  readonly #embeddingDims: readonly [number, number];
  /** Several denoisers may share an engine. */
  readonly #slots = `denoiser ${++count}`;

  private constructor(
    engine: Engine,
    session: Session,
    pipeline: Pipeline,
    options: DenoiserOptions,
  ) {
    const graph = options.graph ?? pipeline.unet.graph;
    this.#engine = engine;
    this.#session = session;
    this.#options = options;
    this.#ports = {
      sample: portNamed(graph, 'inputs', 'sample'),
      timestep: portNamed(graph, 'inputs', 'timestep'),
      embeddings: portNamed(graph, 'inputs', 'encoder_hidden_states'),
    };
    this.#shape = pipeline.latentShape;
    this.#embeddingDims = [pipeline.tokenizer.maxLength, pipeline.embeddingSize];
  }

  static async open(
    engine: Engine,
    pipeline: Pipeline,
    options: DenoiserOptions,
  ): Promise<Denoiser> {
    const rows = options.guidance === 1 ? options.images : 2 * options.images;
    const graph = options.graph ?? pipeline.unet.graph;
    const timestep = portNamed(graph, 'inputs', 'timestep');
    const session = await loadStatic(engine, { ...pipeline.unet, graph }, 'denoiser', {
      sample: [rows, ...pipeline.latentShape],
      timestep: timestep.dims.map((dim) => (typeof dim === 'number' ? dim : 1)),
      encoder_hidden_states: [rows, pipeline.tokenizer.maxLength, pipeline.embeddingSize],
    });
    const denoiser = new Denoiser(engine, session, pipeline, options);
    await denoiser.setWeights(options.weights ?? new Map());
    return denoiser;
  }

  /** Replaces the values of the graph's further inputs: another policy of the same shape. */
  async setWeights(weights: ReadonlyMap<string, Tensor>): Promise<void> {
    for (const [name, value] of weights) await this.#engine.put(`${this.#slots} ${name}`, value);
  }

  /** The embeddings to denoise towards, one per image, and the empty prompt's to denoise away from. */
  async setPrompts(conditional: readonly Float32Array[], empty: Float32Array): Promise<void> {
    const rows =
      this.#options.guidance === 1
        ? conditional
        : [...conditional.map(() => empty), ...conditional];
    const size = sizeOf(this.#embeddingDims);
    const data = new Float32Array(rows.length * size);
    for (const [row, embedding] of rows.entries()) data.set(embedding, row * size);
    const dims = [rows.length, ...this.#embeddingDims];
    const value = fromFloat32(this.#ports.embeddings.dtype, dims, data);
    await this.#engine.put(`${this.#slots} embeddings`, value);
  }

  /** The model's guided output for x_t of all images [images, channels, height, width]. */
  async predict(latents: Float32Array, timestep: number): Promise<Float32Array> {
    const { guidance, images, weights } = this.#options;
    const { sample, timestep: time } = this.#ports;
    const rows = guidance === 1 ? images : 2 * images;
    const input = new Float32Array((latents.length * rows) / images);
    for (let at = 0; at < input.length; at += latents.length) input.set(latents, at);
    const feeds: Feeds = {
      sample: fromFloat32(sample.dtype, [rows, ...this.#shape], input),
      timestep: timestepTensor(time, timestep),
      encoder_hidden_states: this.#engine.slot(`${this.#slots} embeddings`),
      ...Object.fromEntries(
        [...(weights?.keys() ?? [])].map((name) => [
          name,
          this.#engine.slot(`${this.#slots} ${name}`),
        ]),
      ),
    };
    const output = valuesOf(
      await this.#session.run(feeds, { fetch: ['out_sample'] }),
      'out_sample',
    );
    if (guidance === 1) return output;
    const guided = output.slice(0, latents.length);
    for (let i = 0; i < guided.length; i++) {
      const empty = guided[i] as number;
      guided[i] = empty + guidance * ((output[latents.length + i] as number) - empty);
    }
    return guided;
  }

  async release(): Promise<void> {
    const names = [...(this.#options.weights?.keys() ?? []), 'embeddings'];
    await this.#engine.drop(...names.map((name) => `${this.#slots} ${name}`));
    await this.#session.release();
  }
}

/** Exports differ: the timestep is a scalar or a list, an integer or a float. */
function timestepTensor({ dtype, dims, name }: Port, timestep: number): Tensor {
  const shape = dims.map((dim) => (typeof dim === 'number' ? dim : 1));
  const values = Array<number>(sizeOf(shape)).fill(timestep);
  if (dtype === 'int64') return int64(shape, values);
  if (dtype === 'int32') return tensor('int32', shape, Int32Array.from(values));
  if (dtype === 'float32' || dtype === 'float16' || dtype === 'float64') {
    return fromFloat32(dtype, shape, Float32Array.from(values));
  }
  throw new PipelineError(
    `The UNet's "${name}" is ${dtype}: export it with an int64 or float32 timestep.`,
  );
}
