/**
 * @file Training on compared trajectories, one optimizer step at a time. Weights, moments and
 * gradient sums stay in the engine; per run only latents go in and a few numbers per transition
 * come out.
 */

import { denoiserFeeds, takesScalarTimestep } from '@/trainer/diffusion/denoise/inputs';
import { latentsAt } from '@/trainer/diffusion/sampling/trajectory';
import { stepFeeds } from '@/trainer/diffusion/sampling/transition';
import { concatenated, float32 } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { lanesFor } from '@/trainer/runtime/lanes';
import type { OptimizerOptions } from '../optimizer/optimizer';
import { dealOut, lanesWorth, Replicas, type TrainingLane } from '../optimizer/replicas';
import { ReplicatedTrainer } from '../optimizer/replicated-trainer';
import type { PipelineInputs } from '../policy/conditioning';
import type { Trainable } from '../policy/trainable';
import {
  comparisonsIn,
  type Example,
  type ExampleSize,
  layOut,
  type Row,
  sizeOfExample,
} from './examples';
import type { PairLoss } from './pair-loss';
import { type Reference, ReferencePolicy } from './reference-policy';
import { comparisonFeeds, fillRun, reportTransitions, type TransitionReport } from './run';
import { buildTransitionStep, type TransitionStepShape } from './transition-step';

export interface StepReport {
  /** Optimizer steps taken so far. */
  step: number;
  /** Global L2 norm of the gradient before clipping. */
  gradNorm: number;
  transitions: TransitionReport[];
}

export interface TransitionTrainerOptions extends OptimizerOptions, PipelineInputs {
  trainable: Trainable;
  inferenceSteps: number;
  eta: number;
  guidance: number;
  loss: PairLoss;
  /**
   * What the log-ratios of each inference step are multiplied by, noisiest first; 1 where none is
   * given.
   */
  timestepWeights?: readonly number[];
  learningRate: number;
  /**
   * What one run of the graph holds: images (each takes 2 rows of the denoiser with guidance) and
   * comparisons.
   */
  run: ExampleSize;
  /** Runs that a step takes as a rule: several may be made at the same time. 1 unless told. */
  runsPerStep?: number;
  reference?: Reference;
}

interface Lane extends TrainingLane {
  reference: ReferencePolicy;
}

export class TransitionTrainer extends ReplicatedTrainer {
  private constructor(
    private readonly options: TransitionTrainerOptions,
    private readonly timesteps: readonly number[],
    private readonly lanes: readonly Lane[],
    replicas: Replicas,
  ) {
    super(replicas);
  }

  /** Builds and loads the graphs. Call `load` before the first step. */
  static async open(engine: Engine, options: TransitionTrainerOptions): Promise<TransitionTrainer> {
    const { trainable, run } = options;
    const shape: TransitionStepShape = {
      images: run.images,
      latent: options.latent,
      context: options.context,
      guidance: options.guidance,
      clip: options.scheduler.clip,
    };
    const graph = buildTransitionStep(
      trainable,
      shape,
      {
        append: (b, values) => {
          const { loss, pairLoss, logRatio } = options.loss.append(b, {
            logProbability: b.reshape(values.logProbability, [1, run.images]),
            referenceLogProbability: b.reshape(values.referenceLogProbability, [1, run.images]),
            preference: b.input('preference', 'float32', [run.comparisons, run.images]),
            weight: b.input('weight', 'float32', [run.comparisons]),
            smoothing: b.input('smoothing', 'float32', [run.comparisons]),
            timestepWeight: b.input('timestepWeight', 'float32', [1, run.images]),
            residual: values.residual,
            output: values.output,
            referenceOutput: values.referenceOutput,
            ...(options.loss.ofFinished && {
              finished: {
                latents: b.input('finished', 'float32', [run.images, ...options.latent]),
                sign: b.input('sign', 'float32', [1, run.images]),
              },
            }),
            hold: values.hold,
          });
          b.output(pairLoss, 'pairLoss');
          if (logRatio) b.output(logRatio, 'logRatio');
          return loss;
        },
      },
      options.secondMoment,
    );
    const folder = options.externalDataFolder
      ? { externalDataFolder: options.externalDataFolder }
      : {};
    const engines = await lanesFor(engine, trainable.base, lanesWorth(options.runsPerStep));
    const replicas = await Replicas.open(engines, trainable.tensors, options);
    const { reference } = options;
    const loaded = await replicas.loadGraph(graph, {
      name: `${options.loss.name} step`,
      ...folder,
    });
    const lanes = loaded.map(async (lane) => ({
      ...lane,
      reference: await ReferencePolicy.open(lane.engine, trainable, shape, { reference, folder }),
    }));
    const timesteps = options.scheduler.timesteps(options.inferenceSteps);
    return new TransitionTrainer(options, timesteps, await Promise.all(lanes), replicas);
  }

  /**
   * One optimizer step: the gradient is the mean over the comparisons of all given transitions.
   * `timestepIndices[i]` lists which steps of example i's trajectories are trained (0 is the
   * noisiest).
   * @throws NonFiniteError on NaN or infinity: go on from the last checkpoint, not from here
   */
  async step(
    examples: readonly Example[],
    timestepIndices: readonly (readonly number[])[],
  ): Promise<StepReport> {
    const { runs, transitions } = await this.#look(examples, timestepIndices);
    const gradNorm = await this.replicas.update(this.options.learningRate, runs);
    return { step: this.replicas.step, gradNorm, transitions };
  }

  /** What the transitions show with the weights as they are; no step is taken. */
  async measure(
    examples: readonly Example[],
    timestepIndices: readonly (readonly number[])[],
  ): Promise<TransitionReport[]> {
    return (await this.#look(examples, timestepIndices)).transitions;
  }

  /** Sums gradients up, which the next look begins anew, and tells what was seen. */
  async #look(
    examples: readonly Example[],
    timestepIndices: readonly (readonly number[])[],
  ): Promise<{ runs: number; transitions: TransitionReport[] }> {
    const rows = examples.flatMap((_, example) =>
      (timestepIndices[example] ?? []).map((timestepIndex) => ({ example, timestepIndex })),
    );
    const sizes = examples.map(sizeOfExample);
    const oneTimestep = takesScalarTimestep(this.options.trainable.denoiser);
    const runs = layOut(rows, sizes, this.options.run.images, oneTimestep);
    const total = comparisonsIn(rows, sizes);
    const reports = await dealOut(this.lanes, runs, (lane, run, goOn) =>
      this.#run(lane, examples, run, total, goOn),
    );
    return { runs: runs.length, transitions: reports.flat() };
  }

  async close(): Promise<void> {
    await Promise.all(
      this.lanes.map(async ({ session, reference }) => {
        await session.release();
        await reference.release();
      }),
    );
    await this.replicas.release();
  }

  async #run(
    { session, reference, optimizer }: Lane,
    examples: readonly Example[],
    rows: readonly Row[],
    total: number,
    goOn: boolean,
  ): Promise<TransitionReport[]> {
    const { options } = this;
    const { images, comparisons } = fillRun(examples, rows, options.run);
    const steps = images.map(({ timestepIndex }) =>
      options.scheduler.coefficients(
        this.timesteps[timestepIndex]!,
        options.inferenceSteps,
        options.eta,
      ),
    );
    const timesteps = steps.map(({ timestep }) => timestep);
    const timestepWeights = images.map(
      ({ timestepIndex }) => options.timestepWeights?.[timestepIndex] ?? 1,
    );
    const shape = { ...options, images: images.length };
    const guided = denoiserFeeds(options.trainable.denoiser, shape, {
      latents: concatenated(
        images.map(({ trajectory, timestepIndex }) => latentsAt(trajectory, timestepIndex)),
      ),
      timesteps,
      contexts: images.map(({ context }) => context),
      emptyContext: options.emptyContext,
    });
    const out = await session.run(
      {
        ...guided,
        ...stepFeeds(steps),
        nextLatents: float32(
          [images.length, ...options.latent],
          concatenated(
            images.map(({ trajectory, timestepIndex }) => latentsAt(trajectory, timestepIndex + 1)),
          ),
        ),
        referenceOutput: await reference.output(images, guided),
        ...comparisonFeeds(comparisons, options.run, total),
        timestepWeight: float32([1, images.length], timestepWeights),
        ...(options.loss.ofFinished && {
          finished: float32(
            [images.length, ...options.latent],
            concatenated(
              images.map(({ trajectory }) => latentsAt(trajectory, this.timesteps.length)),
            ),
          ),
          sign: float32(
            [1, images.length],
            steps.map(({ original }) => Math.sign(original.output)),
          ),
        }),
        keepSum: float32([], [goOn ? 1 : 0]),
        ...optimizer.feeds(),
      },
      {
        fetch: [
          ...['pairLoss', 'logProbability', 'referenceLogProbability', 'kl'],
          ...(options.loss.ofFinished ? ['logRatio'] : []),
        ],
        keep: optimizer.sums(),
      },
    );
    return reportTransitions(comparisons, timesteps, out, {
      clip: options.loss.clip,
      timestepWeights,
      step: optimizer.step + 1,
    });
  }
}
