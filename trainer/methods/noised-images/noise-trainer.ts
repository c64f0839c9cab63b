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
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { lanesFor } from '@/trainer/runtime/lanes';
import { NonFiniteError } from '../optimizer/non-finite';
import type { OptimizerOptions } from '../optimizer/optimizer';
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
  good?: boolean;
}

export interface NoiseStepReport {
  /** Optimizer steps taken so far. */
  step: number;
  /** Global L2 norm of the gradient before clipping. */
  gradNorm: number;
  /** The method's baseline, 0 where it has none. */
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
}

/** A run with what does not depend on the loss. */
interface Prepared {
  run: NoisedRun;
  referenceOutput: Tensor<'float32'>;
}

interface Lane extends TrainingLane {
  reference: Session;
  referenceGraph: () => Graph;
  /** The policy as it is, where a baseline has to be found first. */
  policy: Session | undefined;
}

export class NoiseTrainer extends ReplicatedTrainer {
  private constructor(
    private readonly options: NoiseTrainerOptions,
    /** Examples in a run. */
    private readonly places: number,
    private readonly lanes: readonly Lane[],
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
      (b, excess) => method.append(b, excess, places),
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
        policy: method.baseline && (await denoise('trained', 'policy')),
      };
    });
    return new NoiseTrainer(options, places, await Promise.all(lanes), replicas);
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
    // Where a baseline needs all of them before the first gradient, the reference policy is asked
    // only once, too.
    const looked = await dealOut(this.lanes, method.baseline ? runs : [], async (lane, run) => {
      const prepared = await this.#prepare(lane, run);
      return { prepared, excess: await this.#excess(lane, prepared) };
    });
    const baseline = method.baseline?.(looked.flatMap(({ excess }) => excess)) ?? 0;
    const reports = await dealOut(this.lanes, [...runs.entries()], async (lane, [i, run], goOn) => {
      const prepared = looked[i]?.prepared ?? (await this.#prepare(lane, run));
      const excess = await this.#train(lane, prepared, examples.length, baseline, goOn);
      return this.#report(run, excess, baseline);
    });
    const gradNorm = await this.replicas.update(this.options.learningRate, runs.length);
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
    return { run, referenceOutput };
  }

  /** m_θ − m_ref of the run's images, without a gradient. */
  async #excess(
    { policy, optimizer }: Lane,
    { run, referenceOutput }: Prepared,
  ): Promise<number[]> {
    const session = policy as Session;
    const out = await session.run({ ...run.feeds, ...optimizer.weights() }, {});
    return excessOf(outputOf(out, 'output', 'float32').data, referenceOutput.data, run);
  }

  async #train(
    { session, optimizer }: Lane,
    { run, referenceOutput }: Prepared,
    total: number,
    baseline: number,
    goOn: boolean,
  ): Promise<number[]> {
    const weighed = run.examples.map(({ weight, good }) => ({ weight: weight / total, good }));
    const out = await session.run(
      {
        ...run.feeds,
        target: run.target,
        referenceOutput,
        ...this.options.method.feeds(weighed, this.places, baseline),
        keepSum: float32([], [goOn ? 1 : 0]),
        ...optimizer.feeds(),
      },
      { fetch: ['excess'], keep: optimizer.sums() },
    );
    return [...outputOf(out, 'excess', 'float32').data];
  }

  #report(run: NoisedRun, excess: readonly number[], baseline: number): ExampleReport[] {
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
        ...read(own, example, baseline),
        ...(example.good !== undefined && { good: example.good }),
      };
    });
  }
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
