/**
 * @file Training on pairs of trajectories, one optimizer step at a time. Weights, moments and gradient sums stay in the
 * engine; per run only latents go in and a few numbers per transition come out.
 */
import { type AdamWSettings, adamWFeeds } from '@/trainer/autodiff/adamw';
import { appendGuidedOutput, takesScalarTimestep } from '@/trainer/diffusion/guided-output';
import type { Adapter } from '@/trainer/diffusion/lora';
import type { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { latentsAt, type Trajectory } from '@/trainer/diffusion/trajectory';
import { stepFeeds } from '@/trainer/diffusion/transition';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, type Tensor, zeros } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { appendD3poLoss, type D3poSettings } from './d3po';
import type { Trainable } from './trainable';
import { accumulated, buildTransitionStep, type TransitionStepShape } from './transition-step';
import { buildUpdateStep, firstMoment, next, secondMoment } from './update-step';

/** A preference to train on: two trajectories of one prompt. */
export interface PairExample {
  /** Text embedding of the prompt, [tokens, width]. */
  context: Tensor<'float32'>;
  winner: Trajectory;
  loser: Trajectory;
  /** Agreement of its annotators, 0 … 1. */
  weight: number;
}

/** What one transition of one pair showed. Log-ratios and KL are means over latent elements. */
export interface TransitionReport {
  example: number;
  timestepIndex: number;
  timestep: number;
  loss: number;
  logRatioWinner: number;
  logRatioLoser: number;
  /** Share of the two images outside the clamp. */
  clipFraction: number;
  /** Mean over the two images. */
  kl: number;
}

export interface StepReport {
  /** Optimizer steps taken so far. */
  step: number;
  /** Global L2 norm of the gradient before clipping. */
  gradNorm: number;
  transitions: TransitionReport[];
}

/** Everything that a checkpoint must hold to go on exactly. */
export interface TrainState {
  tensors: Adapter;
  firstMoments: Adapter;
  secondMoments: Adapter;
  step: number;
}

export interface TransitionTrainerOptions {
  trainable: Trainable;
  /** Folder of the UNet's external data, where it has any. */
  externalDataFolder?: string;
  scheduler: DdimScheduler;
  latent: readonly [number, number, number];
  /** [tokens, width]. */
  context: readonly [number, number];
  /** Text embedding of the empty prompt, [tokens, width]. */
  emptyContext: Tensor<'float32'>;
  inferenceSteps: number;
  eta: number;
  guidance: number;
  d3po: D3poSettings;
  adamW: AdamWSettings;
  learningRate: number;
  /** Pair transitions in one run of the graph; each takes 4 UNet rows with guidance. */
  transitionsPerRun: number;
  /**
   * The reference policy's adapter: `undefined` where it is the policy that sampled the trajectories, whose stored
   * predictions are then used; 'base' for the UNet without adapter.
   */
  reference?: Adapter | 'base';
}

/** Training that produced NaN or infinity: says at which step and what to change. */
export class NonFiniteError extends Error {
  override name = 'NonFiniteError';
}

interface Row {
  example: number;
  timestepIndex: number;
}

export class TransitionTrainer {
  #step = 0;

  private constructor(
    private readonly engine: Engine,
    private readonly options: TransitionTrainerOptions,
    private readonly timesteps: readonly number[],
    private readonly transition: Session,
    private readonly update: Session,
    private readonly reference: Session | undefined,
  ) {}

  /** Builds and loads the graphs. Call `load` before the first step. */
  static async open(engine: Engine, options: TransitionTrainerOptions): Promise<TransitionTrainer> {
    const { trainable, d3po, transitionsPerRun: pairs } = options;
    const shape: TransitionStepShape = {
      images: 2 * pairs,
      latent: options.latent,
      context: options.context,
      guidance: options.guidance,
      clip: options.scheduler.config.clip_sample
        ? options.scheduler.config.clip_sample_range
        : Number.POSITIVE_INFINITY,
    };
    const graph = buildTransitionStep(trainable, shape, {
      append: (b, values) =>
        appendD3poLoss(
          b,
          {
            logProbability: b.reshape(values.logProbability, [pairs, 2]),
            referenceLogProbability: b.reshape(values.referenceLogProbability, [pairs, 2]),
            preference: b.input('preference', 'float32', [pairs, 2]),
            weight: b.input('weight', 'float32', [pairs]),
          },
          d3po,
        ).loss,
    });
    const names = trainable.tensors.map(({ name }) => name);
    const folder = options.externalDataFolder
      ? { externalDataFolder: options.externalDataFolder }
      : {};
    const transition = await engine.load(serializeOnnx(graph), {
      name: 'D3PO step',
      resident: names.map((name) => next(accumulated(name))),
      ...folder,
    });
    const update = await engine.load(
      serializeOnnx(buildUpdateStep(trainable.tensors, options.adamW)),
      {
        name: 'AdamW step',
        resident: names.flatMap((name) => [name, firstMoment(name), secondMoment(name)].map(next)),
      },
    );
    const reference =
      options.reference === undefined
        ? undefined
        : await engine.load(serializeOnnx(referenceGraph(options, shape)), {
            name: 'reference policy',
            ...folder,
          });
    const timesteps = options.scheduler.timesteps(options.inferenceSteps);
    return new TransitionTrainer(engine, options, timesteps, transition, update, reference);
  }

  /** Puts weights and moments where training goes on from. */
  async load(state: TrainState): Promise<void> {
    for (const { name, dims } of this.options.trainable.tensors) {
      await this.engine.put(name, state.tensors.get(name) as Tensor);
      await this.engine.put(firstMoment(name), state.firstMoments.get(name) as Tensor);
      await this.engine.put(secondMoment(name), state.secondMoments.get(name) as Tensor);
      await this.engine.put(accumulated(name), zeros('float32', dims));
    }
    this.#step = state.step;
  }

  /** A state at which nothing has been trained yet. */
  static initialState(tensors: Adapter): TrainState {
    const blank = () => new Map([...tensors].map(([name, t]) => [name, zeros('float32', t.dims)]));
    return { tensors, firstMoments: blank(), secondMoments: blank(), step: 0 };
  }

  /** Weights and moments as they are now. */
  async state(): Promise<TrainState> {
    const read = async (slot: (name: string) => string): Promise<Adapter> => {
      const found: Adapter = new Map();
      for (const { name } of this.options.trainable.tensors) {
        found.set(name, (await this.engine.get(slot(name))) as Tensor<'float32'>);
      }
      return found;
    };
    return {
      tensors: await read((name) => name),
      firstMoments: await read(firstMoment),
      secondMoments: await read(secondMoment),
      step: this.#step,
    };
  }

  /**
   * One optimizer step: the gradient is the mean over all given transitions. `timestepIndices[i]` lists which steps of
   * example i's trajectories are trained (0 is the noisiest).
   * @throws NonFiniteError on NaN or infinity: go on from the last checkpoint, not from here
   */
  async step(
    examples: readonly PairExample[],
    timestepIndices: readonly (readonly number[])[],
  ): Promise<StepReport> {
    const rows = examples.flatMap((_, example) =>
      (timestepIndices[example] ?? []).map((timestepIndex) => ({ example, timestepIndex })),
    );
    const runs = this.#runs(rows);
    const transitions: TransitionReport[] = [];
    for (const [index, run] of runs.entries()) {
      transitions.push(...(await this.#run(examples, run, rows.length, index > 0)));
    }
    const gradNorm = await this.#update();
    return { step: this.#step, gradNorm, transitions };
  }

  async close(): Promise<void> {
    await this.transition.release();
    await this.update.release();
    await this.reference?.release();
  }

  /** Rows cut into runs; a UNet with one timestep for the whole batch gets runs of one timestep. */
  #runs(rows: readonly Row[]): Row[][] {
    const size = this.options.transitionsPerRun;
    const scalar = takesScalarTimestep(this.options.trainable.unet);
    const indices = [...new Set(rows.map((row) => row.timestepIndex))];
    const groups = scalar
      ? indices.map((index) => rows.filter((row) => row.timestepIndex === index))
      : [rows];
    return groups.flatMap((group) =>
      Array.from({ length: Math.ceil(group.length / size) }, (_, i) =>
        group.slice(i * size, (i + 1) * size),
      ),
    );
  }

  async #run(
    examples: readonly PairExample[],
    rows: readonly Row[],
    total: number,
    goOn: boolean,
  ): Promise<TransitionReport[]> {
    const { options } = this;
    const size = options.transitionsPerRun;
    // A run is always full: rows that only fill it up have weight 0.
    const filled = Array.from({ length: size }, (_, i) => rows[i] ?? (rows[0] as Row));
    const images = filled.flatMap(({ example, timestepIndex }) => {
      const pair = examples[example] as PairExample;
      return [pair.winner, pair.loser].map((trajectory) => ({
        trajectory,
        timestepIndex,
        context: pair.context,
      }));
    });
    const latentDims = [images.length, ...options.latent];
    const stack = (
      read: (image: (typeof images)[number]) => Float32Array,
      dims: readonly number[],
    ) => {
      const parts = images.map(read);
      const whole = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return float32(dims, whole);
    };
    const steps = images.map(({ timestepIndex }) =>
      options.scheduler.coefficients(
        this.timesteps[timestepIndex] as number,
        options.inferenceSteps,
        options.eta,
      ),
    );
    const scalar = takesScalarTimestep(options.trainable.unet);
    const timestep = scalar
      ? int64([], [steps[0]?.timestep as number])
      : int64(
          [images.length],
          steps.map((step) => step.timestep),
        );
    const guided: Record<string, Tensor> = {
      latents: stack(
        ({ trajectory, timestepIndex }) => latentsAt(trajectory, timestepIndex),
        latentDims,
      ),
      timestep,
      context: stack(({ context }) => context.data, [images.length, ...options.context]),
      ...(options.guidance !== 1
        ? { emptyContext: float32([1, ...options.context], options.emptyContext.data) }
        : {}),
    };
    const referenceOutput = this.reference
      ? outputOf(
          await this.reference.run({ ...guided, ...this.#referenceFeeds() }, {}),
          'output',
          'float32',
        )
      : stack(
          ({ trajectory, timestepIndex }) => predictionAt(trajectory, timestepIndex),
          latentDims,
        );
    const weights = filled.map(({ example }, i) =>
      i < rows.length ? ((examples[example] as PairExample).weight * size) / total : 0,
    );
    const out = await this.transition.run(
      {
        ...guided,
        ...stepFeeds(steps),
        nextLatents: stack(
          ({ trajectory, timestepIndex }) => latentsAt(trajectory, timestepIndex + 1),
          latentDims,
        ),
        referenceOutput,
        preference: float32(
          [size, 2],
          filled.flatMap(() => [1, -1]),
        ),
        weight: float32([size], weights),
        keepSum: float32([], [goOn ? 1 : 0]),
        ...this.#slots((name) => name),
        ...this.#slots(accumulated),
      },
      {
        fetch: ['loss', 'logProbability', 'referenceLogProbability', 'kl'],
        keep: Object.fromEntries(
          this.#names().map((name) => [next(accumulated(name)), accumulated(name)]),
        ),
      },
    );
    return this.#report(rows, steps, out);
  }

  #report(
    rows: readonly Row[],
    steps: readonly { timestep: number }[],
    out: Record<string, Tensor>,
  ): TransitionReport[] {
    const { beta, clipRange } = this.options.d3po;
    const current = outputOf(out, 'logProbability', 'float32').data;
    const before = outputOf(out, 'referenceLogProbability', 'float32').data;
    const kl = outputOf(out, 'kl', 'float32').data;
    const bound = (ratio: number) =>
      clipRange === undefined
        ? ratio
        : Math.min(Math.max(ratio, Math.log(1 - clipRange)), Math.log(1 + clipRange));
    return rows.map(({ example, timestepIndex }, i) => {
      const [winner, loser] = [2 * i, 2 * i + 1].map(
        (j) => (current[j] as number) - (before[j] as number),
      ) as [number, number];
      const timestep = steps[2 * i]?.timestep as number;
      if (!Number.isFinite(winner) || !Number.isFinite(loser)) {
        throw new NonFiniteError(
          `Training produced ${winner} and ${loser} as log-ratios at t = ${timestep} in step ${this.#step + 1}. Lower the learning rate, or start from an earlier policy.`,
        );
      }
      return {
        example,
        timestepIndex,
        timestep,
        loss: Math.log1p(Math.exp(-beta * (bound(winner) - bound(loser)))),
        logRatioWinner: winner,
        logRatioLoser: loser,
        clipFraction: [winner, loser].filter((ratio) => bound(ratio) !== ratio).length / 2,
        kl: ((kl[2 * i] as number) + (kl[2 * i + 1] as number)) / 2,
      };
    });
  }

  async #update(): Promise<number> {
    const { options } = this;
    const out = await this.update.run(
      {
        ...this.#slots((name) => name),
        ...this.#slots(firstMoment),
        ...this.#slots(secondMoment),
        ...this.#slots(accumulated),
        ...adamWFeeds(this.#step + 1, options.learningRate, options.adamW),
      },
      {
        fetch: ['gradNorm'],
        keep: Object.fromEntries(
          this.#names().flatMap((name) =>
            [name, firstMoment(name), secondMoment(name)].map((slot) => [next(slot), slot]),
          ),
        ),
      },
    );
    this.#step += 1;
    const gradNorm = outputOf(out, 'gradNorm', 'float32').data[0] as number;
    if (Number.isFinite(gradNorm)) return gradNorm;
    throw new NonFiniteError(
      `The gradient of step ${this.#step} is ${gradNorm}. Lower the learning rate, or start from an earlier policy.`,
    );
  }

  #names(): string[] {
    return this.options.trainable.tensors.map(({ name }) => name);
  }

  #slots(slot: (name: string) => string) {
    return Object.fromEntries(
      this.#names().map((name) => [slot(name), this.engine.slot(slot(name))]),
    );
  }

  #referenceFeeds(): Record<string, Tensor> {
    const { reference } = this.options;
    return reference instanceof Map ? Object.fromEntries(reference) : {};
  }
}

function referenceGraph(options: TransitionTrainerOptions, shape: TransitionStepShape) {
  const { trainable } = options;
  const b = new Builder('reference policy', { ...trainable.unet.opsets });
  const withAdapter = options.reference instanceof Map;
  if (withAdapter) trainable.declare(b);
  const output = appendGuidedOutput(
    b,
    withAdapter ? trainable.unet : trainable.base,
    {
      sample: b.input('latents', 'float32', [shape.images, ...shape.latent]),
      timestep: b.input(
        'timestep',
        'int64',
        takesScalarTimestep(trainable.unet) ? [] : [shape.images],
      ),
      context: b.input('context', 'float32', [shape.images, ...shape.context]),
      ...(shape.guidance !== 1
        ? { emptyContext: b.input('emptyContext', 'float32', [1, ...shape.context]) }
        : {}),
      guidance: shape.guidance,
    },
    withAdapter ? { feeds: trainable.feeds, onNode: trainable.onNode } : {},
  );
  b.output(output, 'output');
  return b.finish();
}

function predictionAt(trajectory: Trajectory, step: number): Float32Array {
  const { predictions } = trajectory;
  if (!predictions) {
    throw new Error(
      `The trajectory of "${trajectory.prompt}" (seed ${trajectory.seed}) holds no predictions of the policy that drew it. Sample with predictions kept, or compute the reference policy.`,
    );
  }
  const size = predictions.data.length / (predictions.dims[0] as number);
  return predictions.data.subarray(step * size, (step + 1) * size);
}
