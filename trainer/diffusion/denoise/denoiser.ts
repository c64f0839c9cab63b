/**
 * @file The UNet of one policy with its guidance, as fixed graphs for a batch of images, of which every lane of the engine
 * takes a share. Built as training builds it.
 */

import { Builder, type Value } from '@/trainer/graph/builder';
import type { InlineOptions } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import type { Engine, Session } from '@/trainer/runtime/engine';
import { Division, lanesFor } from '@/trainer/runtime/lanes';
import { finiteValues } from '../pipelines/finite';
import { valuesOf } from '../pipelines/networks';
import type { Pipeline } from '../pipelines/pipeline';
import { appendGuidedOutput } from './guided-output';
import { declareDenoiserInputs, takesScalarTimestep, timestepFeed } from './inputs';

/** The tensors in which a policy differs from the pipeline's own UNet, and how they enter its graph. */
export interface PolicyWeights {
  /** The UNet to build from: the pipeline's own, or one whose weights are inputs. */
  unet: Graph;
  /** Feeds of the UNet's inputs beyond its three, by input name: names of `tensors`. */
  feeds: Record<string, Value>;
  /** Adds an adapter's path while the UNet is built; refers to `tensors` by name. */
  onNode?: InlineOptions['onNode'];
  tensors: ReadonlyMap<string, Tensor>;
}

export interface DenoiserOptions {
  /** Images denoised together. */
  images: number;
  /** Guidance scale; 1 runs without the unconditional half. */
  guidance: number;
  /** The policy; left out, it is the base. */
  policy?: PolicyWeights;
}

let count = 0;

interface Lane {
  engine: Engine;
  session: Session;
}

export class Denoiser {
  readonly #pipeline: Pipeline;
  readonly #division: Division;
  readonly #lanes: readonly Lane[];
  readonly #scalarTimestep: boolean;
  /** Several denoisers may share an engine. */
  readonly #slots: { context: string; emptyContext: string };

  private constructor(
    pipeline: Pipeline,
    unet: Graph,
    division: Division,
    lanes: readonly Lane[],
    private readonly build: () => Graph,
  ) {
    this.#pipeline = pipeline;
    this.#division = division;
    this.#lanes = lanes;
    this.#scalarTimestep = takesScalarTimestep(unet);
    count++;
    this.#slots = {
      context: `denoiser ${count} context`,
      emptyContext: `denoiser ${count} empty context`,
    };
  }

  /** Builds the policy's graph, its weights frozen, and loads it into as many lanes as it is worth. */
  static async open(
    engine: Engine,
    pipeline: Pipeline,
    options: DenoiserOptions,
  ): Promise<Denoiser> {
    const { images } = options;
    const unet = options.policy?.unet ?? pipeline.unet.graph;
    const engines = await lanesFor(engine, pipeline.unet.graph, images);
    const division = new Division(images, engines.length);
    const build = () => buildDenoiser(pipeline, unet, { ...options, images: division.rows });
    const model = serializeOnnx(build());
    const load = { name: 'denoiser', externalDataFolder: pipeline.unet.folder };
    const lanes = await Promise.all(
      engines.slice(0, division.lanes).map(async (lane) => ({
        engine: lane,
        session: await lane.load(model, load),
      })),
    );
    return new Denoiser(pipeline, unet, division, lanes, build);
  }

  /** The embeddings to denoise towards, one per image, and the empty prompt's to denoise away from. */
  async setPrompts(conditional: readonly Float32Array[], empty: Float32Array): Promise<void> {
    const { tokenizer, embeddingSize } = this.#pipeline;
    const dims = [tokenizer.maxLength, embeddingSize];
    const { images, rows } = this.#division;
    const data = new Float32Array(images * sizeOf(dims));
    for (const [row, embedding] of conditional.entries()) data.set(embedding, row * sizeOf(dims));
    await this.#each(async ({ engine }, lane) => {
      const put = (slot: string, count: number, values: Float32Array) =>
        engine.put(slot, float32([count, ...dims], values));
      await put(this.#slots.context, rows, this.#division.share(data, lane));
      await put(this.#slots.emptyContext, 1, empty);
    });
  }

  /**
   * The model's guided output for x_t of all images [images, channels, height, width].
   * @throws PipelineError where it is not all numbers
   */
  async predict(latents: Float32Array, timestep: number): Promise<Float32Array> {
    const { rows } = this.#division;
    const shape = [rows, ...this.#pipeline.latentShape];
    const timesteps = Array<number>(rows).fill(timestep);
    const parts = await this.#each(async ({ engine, session }, lane) => {
      const own = this.#division.share(latents, lane);
      const guided = session.inputs.some((input) => input.name === 'emptyContext');
      const feeds = {
        latents: float32(shape, own),
        timestep: timestepFeed(this.#scalarTimestep, timesteps),
        context: engine.slot(this.#slots.context),
        ...(guided && { emptyContext: engine.slot(this.#slots.emptyContext) }),
      };
      const { graph, folder } = this.#pipeline.unet;
      return finiteValues(valuesOf(await session.run(feeds), 'output'), {
        engine,
        graph: this.build,
        folder,
        feeds,
        name: `The UNet, at t = ${timestep},`,
        source: graph.source,
      });
    });
    return this.#division.whole(parts);
  }

  async release(): Promise<void> {
    await this.#each(async ({ engine, session }) => {
      await engine.drop(this.#slots.context, this.#slots.emptyContext);
      await session.release();
    });
  }

  #each<Result>(of: (lane: Lane, index: number) => Promise<Result>): Promise<Result[]> {
    return Promise.all(this.#lanes.map(of));
  }
}

function buildDenoiser(
  pipeline: Pipeline,
  unet: Graph,
  { images, guidance, policy }: DenoiserOptions,
): Graph {
  const b = new Builder('denoiser', { ...unet.opsets });
  for (const [name, value] of policy?.tensors ?? []) b.constant(name, value);
  const shape = {
    images,
    latent: pipeline.latentShape,
    context: [pipeline.tokenizer.maxLength, pipeline.embeddingSize] as const,
    guidance,
  };
  const inputs = { ...declareDenoiserInputs(b, unet, shape), guidance };
  const options = { feeds: policy?.feeds ?? {}, onNode: policy?.onNode };
  b.output(appendGuidedOutput(b, unet, inputs, options), 'output');
  return b.finish();
}
