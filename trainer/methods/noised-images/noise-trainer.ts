/**
 * @file Training on finished images, one optimizer step at a time: every example is noised to a
 * timestep of its own, and the policy's error there is held against the reference policy's.
 * Weights, moments and gradient sums stay in the engine.
 */
import { dirname } from 'node:path';
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import { takesScalarTimestep } from '@/trainer/diffusion/denoise/inputs';
import { denoiserKindOf } from '@/trainer/diffusion/denoiser-kinds';
import { finiteValues } from '@/trainer/diffusion/pipelines/finite';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { type Engine, type Feeds, outputOf, type Session } from '@/trainer/runtime/engine';
import { lanesFor } from '@/trainer/runtime/lanes';
import { mixed } from '../optimizer/moving-average';
import { NonFiniteError } from '../optimizer/non-finite';
import type { OptimizerOptions, TrainState } from '../optimizer/optimizer';
import { dealOut, lanesWorth, Replicas, type TrainingLane } from '../optimizer/replicas';
import { ReplicatedTrainer } from '../optimizer/replicated-trainer';
import { buildDenoise } from '../policy/denoise';
import type { NoisedExample, NoisedImagesMethod } from './method';
import { buildNoiseStep } from './noise-step';
import { excessOf, type NoiseDraw, type NoisedInputs, NoisedRun } from './noised-run';

/** What one example of a step showed. */
export interface ExampleReport {
  timestep: number;
  /** Without its weight. */
  loss: number;
  /** Above zero where the policy says like the people. */
  margin: number;
  /** m_θ − m_ref of each image. */
  excess: number[];
  /** ‖v_θ‖ / ‖v_ref‖, the mean over its images. */
  normRatio: number;
  good?: boolean;
  grade?: number;
}

export interface NoiseStepReport {
  /** Optimizer steps taken so far. */
  step: number;
  /** Global L2 norm of the gradient before clipping. */
  gradNorm: number;
  /** The mean of the method's baselines, 0 where it has none. */
  baseline: number;
  examples: ExampleReport[];
}

export interface NoiseTrainerOptions extends OptimizerOptions, NoisedInputs {
  method: NoisedImagesMethod;
  learningRate: number;
  /** The most images that one run of the graph may hold. */
  images: number;
  /** How many examples a step has. */
  examplesPerStep: number;
  /** 'base' for the denoiser without adapter; else the tensors of the policy to compare with. */
  reference: Adapter | 'base';
  /** Coefficient of the hinge on the norm of what the policy says; none unless told. */
  normHinge?: number;
}

/** What a run of the graph says. */
interface Shown {
  /** [images] */
  excess: readonly number[];
  normRatios: readonly number[];
  /** [places], where the method tells them. */
  losses: readonly number[];
}

/** A run with what does not depend on the loss. */
interface Prepared {
  run: NoisedRun;
  referenceOutput: Tensor<'float32'>;
  oldOutput: Tensor<'float32'> | undefined;
}

interface Lane extends TrainingLane {
  reference: Session;
  referenceGraph: () => Graph;
  /** Any policy by its tensors, where a baseline has to be found first or an old one asked. */
  policy: Session | undefined;
}

export class NoiseTrainer extends ReplicatedTrainer {
  /** The method's old policy, where it has one. */
  #old: Adapter | undefined;

  private constructor(
    private readonly options: NoiseTrainerOptions,
    /** Examples in a run. */
    private readonly places: number,
    private readonly lanes: readonly Lane[],
    /** What is read of a run. */
    private readonly fetched: readonly string[],
    replicas: Replicas,
  ) {
    super(replicas);
  }

  /** Builds and loads the graphs. Call `load` before the first step. */
  static async open(engine: Engine, options: NoiseTrainerOptions): Promise<NoiseTrainer> {
    const { trainable, method, latent, context, reference, secondMoment = 'step' } = options;
    const places = placesOf(options);
    const images = places * method.imagesPerExample;
    const shape = { images, latent, context };
    const folder = options.externalDataFolder
      ? { externalDataFolder: options.externalDataFolder }
      : {};
    const runs = Math.ceil(options.examplesPerStep / places);
    const engines = await lanesFor(engine, trainable.base, lanesWorth(runs));
    const replicas = await Replicas.open(engines, trainable.tensors, options);
    const graph = buildNoiseStep(
      trainable,
      shape,
      {
        append: (b, denoised) => method.append(b, denoised, places),
        withOld: method.oldDecay !== undefined,
        ...(options.normHinge !== undefined && { normHinge: options.normHinge }),
      },
      secondMoment,
    );
    const loaded = await replicas.loadGraph(graph, { name: 'noise step', ...folder });
    const lanes = loaded.map(async (lane): Promise<Lane> => {
      const graphOf = (policy: 'base' | 'trained') =>
        buildDenoise(trainable, { ...shape, guidance: 1 }, policy);
      const denoise = (policy: 'base' | 'trained', name: string) =>
        lane.engine.load(serializeOnnx(graphOf(policy)), { name, ...folder });
      const held = reference === 'base' ? 'base' : 'trained';
      return {
        ...lane,
        reference: await denoise(held, 'reference policy'),
        referenceGraph: () => graphOf(held),
        policy:
          method.baselines || method.oldDecay ? await denoise('trained', 'policy') : undefined,
      };
    });
    const fetched = ['excess', 'normRatio', 'losses'].filter((name) =>
      graph.outputs.some((output) => output.name === name),
    );
    return new NoiseTrainer(options, places, await Promise.all(lanes), fetched, replicas);
  }

  /** The old policy, where there is one, goes on from the state's, or from the weights. */
  override async load(state: TrainState): Promise<void> {
    await super.load(state);
    if (this.options.method.oldDecay) this.#old = (state.extra as Adapter) ?? state.tensors;
  }

  override async state(): Promise<TrainState> {
    return { ...(await super.state()), ...(this.#old && { extra: this.#old }) };
  }

  /**
   * One optimizer step: the gradient is the mean over the examples, each noised as its draw says.
   * @throws NonFiniteError on NaN or infinity: go on from the last checkpoint, not from here
   */
  async step(
    examples: readonly NoisedExample[],
    draws: readonly NoiseDraw[],
  ): Promise<NoiseStepReport> {
    const { method } = this.options;
    const runs: NoisedRun[] = [];
    for (let first = 0; first < examples.length; first += this.places) {
      const some = examples.slice(first, first + this.places);
      runs.push(
        new NoisedRun(some, draws.slice(first, first + this.places), this.places, this.options),
      );
    }
    // Where baselines need all of them before the first gradient, the reference policy is asked
    // only once, too.
    const looked = await dealOut(this.lanes, method.baselines ? runs : [], async (lane, run) => {
      const prepared = await this.#prepare(lane, run);
      return { prepared, excess: await this.#excess(lane, prepared) };
    });
    const seen = looked.flatMap(({ excess }) => excess);
    const each = method.imagesPerExample;
    const excess = examples.map((_, i) => seen.slice(i * each, (i + 1) * each));
    const baselines = method.baselines?.(excess, examples) ?? examples.map(() => 0);
    const reports = await dealOut(this.lanes, [...runs.entries()], async (lane, [i, run], goOn) => {
      const prepared = looked[i]?.prepared ?? (await this.#prepare(lane, run));
      const own = baselines.slice(i * this.places, (i + 1) * this.places);
      const shown = await this.#train(lane, prepared, examples.length, own, goOn);
      return this.#report(run, shown, own);
    });
    const gradNorm = await this.replicas.update(this.options.learningRate, runs.length);
    await this.#moveOld();
    const baseline = mean(baselines);
    return { step: this.replicas.step, gradNorm, baseline, examples: reports.flat() };
  }

  async close(): Promise<void> {
    for (const { session, reference, policy } of this.lanes) {
      for (const one of [session, reference, policy]) await one?.release();
    }
    await this.replicas.release();
  }

  /** @throws PipelineError where the denoiser gives no numbers before anything is trained */
  async #prepare(lane: Lane, run: NoisedRun): Promise<Prepared> {
    const { reference, trainable, externalDataFolder } = this.options;
    const { base } = trainable;
    const adapter = reference === 'base' ? {} : Object.fromEntries(reference);
    const feeds = { ...run.feeds, ...adapter };
    const referenceOutput = outputOf(await lane.reference.run(feeds, {}), 'output', 'float32');
    await finiteValues(referenceOutput.data, {
      engine: lane.engine,
      graph: lane.referenceGraph,
      folder: externalDataFolder ?? dirname(base.source),
      feeds,
      name: `The ${denoiserKindOf(base).text}`,
      source: base.source,
    });
    const oldOutput = this.#old && (await this.#denoised(lane, run, Object.fromEntries(this.#old)));
    return { run, referenceOutput, oldOutput };
  }

  /** What the policy of these tensors says of the run's images. */
  async #denoised(
    { policy }: Lane,
    { feeds }: NoisedRun,
    tensors: Feeds,
  ): Promise<Tensor<'float32'>> {
    const out = await (policy as Session).run({ ...feeds, ...tensors }, {});
    return outputOf(out, 'output', 'float32');
  }

  /** Lets the old policy follow the weights of this step. */
  async #moveOld(): Promise<void> {
    const { oldDecay } = this.options.method;
    const remains = oldDecay?.(this.replicas.step) ?? 1;
    if (!this.#old || remains === 1) return;
    this.#old = mixed(this.#old, await this.replicas.weights(), remains);
  }

  /** m_θ − m_ref of the run's images, without a gradient. */
  async #excess(lane: Lane, { run, referenceOutput }: Prepared): Promise<number[]> {
    const { data } = await this.#denoised(lane, run, lane.optimizer.weights());
    return excessOf(data, referenceOutput.data, run);
  }

  async #train(
    { session, optimizer }: Lane,
    { run, referenceOutput, oldOutput }: Prepared,
    total: number,
    baselines: readonly number[],
    goOn: boolean,
  ): Promise<Shown> {
    const weighed = run.examples.map((one) => ({ ...one, weight: one.weight / total }));
    const out = await session.run(
      {
        ...run.feeds,
        target: run.target,
        spread: run.spread,
        referenceOutput,
        ...(oldOutput && { oldOutput }),
        ...this.options.method.feeds(weighed, this.places, baselines),
        ...(this.options.normHinge && { share: this.#shares(run, total) }),
        keepSum: float32([], [goOn ? 1 : 0]),
        ...optimizer.feeds(),
      },
      { fetch: this.fetched, keep: optimizer.sums() },
    );
    const [excess = [], normRatios = [], losses = []] = this.fetched.map((name) => [
      ...outputOf(out, name, 'float32').data,
    ]);
    return { excess, normRatios, losses };
  }

  /** Of each image of a run in the mean over all images of the step; none of those that fill up. */
  #shares(run: NoisedRun, total: number): Tensor {
    const { imagesPerExample } = this.options.method;
    const images = this.places * imagesPerExample;
    const own = run.examples.length * imagesPerExample;
    const share = 1 / (total * imagesPerExample);
    return float32(
      [images],
      Array.from({ length: images }, (_, image) => (image < own ? share : 0)),
    );
  }

  #report(
    run: NoisedRun,
    { excess, normRatios, losses }: Shown,
    baselines: readonly number[],
  ): ExampleReport[] {
    const { imagesPerExample, read } = this.options.method;
    return run.examples.map((example, i) => {
      const own = excess.slice(i * imagesPerExample, (i + 1) * imagesPerExample);
      const { timestep } = run.draws[i]!;
      if (!own.every(Number.isFinite)) {
        throw new NonFiniteError(
          `Training produced ${own.join(' and ')} as excess errors at t = ${timestep} in step ${this.replicas.step + 1}. Lower the learning rate, or start from an earlier policy.`,
        );
      }
      return {
        timestep,
        excess: own,
        normRatio: mean(normRatios.slice(i * imagesPerExample, (i + 1) * imagesPerExample)),
        ...{ loss: losses[i] ?? Number.NaN, ...read(own, example, baselines[i]!) },
        ...(example.good !== undefined && { good: example.good }),
        ...(example.grade !== undefined && { grade: example.grade }),
      };
    });
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Examples in a run: the fewest runs for a step, and these as small as they may be, since one that
 * is not full costs as much as a full one. A denoiser that takes one timestep for all images gets
 * one example a run: each has its own.
 */
function placesOf({ trainable, method, images, examplesPerStep }: NoiseTrainerOptions): number {
  if (takesScalarTimestep(trainable.denoiser)) return 1;
  const most = Math.max(1, Math.floor(images / method.imagesPerExample));
  const runs = Math.ceil(examplesPerStep / most);
  return Math.ceil(examplesPerStep / runs);
}
