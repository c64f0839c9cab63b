/**
 * @file The denoiser of one policy with its guidance, as fixed graphs for a batch of images, of
 * which every lane of the engine takes a share. Built as training builds it.
 */

import { fuseAttention } from '@/trainer/graph/attention/fuse';
import { Builder, type Value } from '@/trainer/graph/builder';
import type { InlineOptions } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Engine, Feeds, Session } from '@/trainer/runtime/engine';
import { Division, lanesFor } from '@/trainer/runtime/lanes';
import { denoiserKinds } from '../denoiser-kinds';
import { type Conditioning, stacked } from '../pipelines/conditioning';
import { finiteValues } from '../pipelines/finite';
import type { Pipeline } from '../pipelines/pipeline';
import { valuesOf } from '../pipelines/static-network';
import { appendGuidedOutput } from './guided-output';
import { declareDenoiserInputs, emptyFeeds, takesScalarTimestep, timestepFeed } from './inputs';

/**
 * The tensors in which a policy differs from the pipeline's own denoiser, and how they enter its
 * graph.
 */
export interface PolicyWeights {
  /** The denoiser to build from: the pipeline's own, or one whose weights are inputs. */
  denoiser: Graph;
  /** Feeds of the denoiser's inputs beyond its three, by input name: names of `tensors`. */
  feeds: Record<string, Value>;
  /** Adds an adapter's path while the denoiser is built; refers to `tensors` by name. */
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
  /**
   * Where each input's tensor lies that says the prompts. Several denoisers may share an engine.
   */
  readonly #slots = new Map<string, string>();
  readonly #name: string;

  private constructor(
    pipeline: Pipeline,
    denoiser: Graph,
    division: Division,
    lanes: readonly Lane[],
    private readonly build: () => Graph,
  ) {
    this.#pipeline = pipeline;
    this.#division = division;
    this.#lanes = lanes;
    this.#scalarTimestep = takesScalarTimestep(denoiser);
    count++;
    this.#name = `denoiser ${count}`;
  }

  /**
   * Builds the policy's graph, its weights frozen, and loads it into as many lanes as it is worth.
   */
  static async open(
    engine: Engine,
    pipeline: Pipeline,
    options: DenoiserOptions,
  ): Promise<Denoiser> {
    const { images } = options;
    const denoiser = options.policy?.denoiser ?? pipeline.denoiser.graph;
    const engines = await lanesFor(engine, pipeline.denoiser.graph, images);
    const division = new Division(images, engines.length);
    const build = () => buildDenoiser(pipeline, denoiser, { ...options, images: division.rows });
    const model = serializeOnnx(build());
    const load = { name: 'denoiser', externalDataFolder: pipeline.denoiser.folder };
    const lanes = await Promise.all(
      engines.slice(0, division.lanes).map(async (lane) => ({
        engine: lane,
        session: await lane.load(model, load),
      })),
    );
    return new Denoiser(pipeline, denoiser, division, lanes, build);
  }

  /** The prompts to denoise towards, one per image, and the empty one to denoise away from. */
  async setPrompts(contexts: readonly Conditioning[], empty: Conditioning): Promise<void> {
    const { conditioning } = this.#pipeline;
    const { images, rows } = this.#division;
    const all = Object.entries(stacked(conditioning, contexts)).map(
      ([
        port,
        {
          dims: [count, ...dims],
          data,
        },
      ]) => {
        // Beyond the prompts there is room left.
        const whole = new Float32Array((data.length / (count as number)) * images);
        whole.set(data);
        return { port, dims, whole };
      },
    );
    await this.#each(async ({ engine }, lane) => {
      const own = all.map(({ port, dims, whole }): [string, Tensor] => [
        port,
        float32([rows, ...dims], this.#division.share(whole, lane)),
      ]);
      for (const [name, value] of [...own, ...Object.entries(emptyFeeds(conditioning, empty))]) {
        this.#slots.set(name, `${this.#name} ${name}`);
        await engine.put(this.#slots.get(name) as string, value);
      }
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
      const prompts = session.inputs.flatMap(({ name }) => {
        const slot = this.#slots.get(name);
        return slot ? [[name, engine.slot(slot)]] : [];
      });
      const feeds: Feeds = {
        latents: float32(shape, own),
        timestep: timestepFeed(this.#scalarTimestep, timesteps),
        ...Object.fromEntries(prompts),
      };
      const { graph, folder } = this.#pipeline.denoiser;
      return finiteValues(valuesOf(await session.run(feeds), 'output'), {
        engine,
        graph: this.build,
        folder,
        feeds,
        name: `The ${denoiserKinds[this.#pipeline.layout.denoiser].text}, at t = ${timestep},`,
        source: graph.source,
      });
    });
    return this.#division.whole(parts);
  }

  async release(): Promise<void> {
    await this.#each(async ({ engine, session }) => {
      await engine.drop(...this.#slots.values());
      await session.release();
    });
  }

  #each<Result>(of: (lane: Lane, index: number) => Promise<Result>): Promise<Result[]> {
    return Promise.all(this.#lanes.map(of));
  }
}

function buildDenoiser(
  pipeline: Pipeline,
  denoiser: Graph,
  { images, guidance, policy }: DenoiserOptions,
): Graph {
  const b = new Builder('denoiser');
  for (const [name, value] of policy?.tensors ?? []) b.constant(name, value);
  const shape = {
    images,
    latent: pipeline.latentShape,
    context: pipeline.conditioning,
    guidance,
  };
  const inputs = { ...declareDenoiserInputs(b, denoiser, shape), guidance };
  const options = { feeds: policy?.feeds ?? {}, onNode: policy?.onNode };
  b.output(appendGuidedOutput(b, denoiser, inputs, options), 'output');
  fuseAttention(b);
  return b.finish();
}
