/**
 * @file Training on compared trajectories, one optimizer step at a time. Weights, moments and gradient sums stay in the
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
import {
  comparisonsIn,
  type Example,
  type ExampleSize,
  layOut,
  type Row,
  sizeOfExample,
} from './examples';
import {
  comparisonFeeds,
  fillRun,
  NonFiniteError,
  type RunImage,
  reportTransitions,
  type TransitionReport,
} from './run';
import type { Trainable } from './trainable';
import { accumulated, buildTransitionStep, type TransitionStepShape } from './transition-step';
import { buildUpdateStep, firstMoment, next, secondMoment } from './update-step';

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
  /** What one run of the graph holds: images (each takes 2 rows of the UNet with guidance) and comparisons. */
  run: ExampleSize;
  /**
   * The reference policy's adapter: `undefined` where it is the policy that sampled the trajectories, whose stored
   * predictions are then used; 'base' for the UNet without adapter.
   */
  reference?: Adapter | 'base';
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
    const { trainable, d3po, run } = options;
    const shape: TransitionStepShape = {
      images: run.images,
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
            logProbability: b.reshape(values.logProbability, [1, run.images]),
            referenceLogProbability: b.reshape(values.referenceLogProbability, [1, run.images]),
            preference: b.input('preference', 'float32', [run.comparisons, run.images]),
            weight: b.input('weight', 'float32', [run.comparisons]),
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
    return {
      tensors: await this.#read((name) => name),
      firstMoments: await this.#read(firstMoment),
      secondMoments: await this.#read(secondMoment),
      step: this.#step,
    };
  }

  /** The gradient of the last step, before clipping. */
  gradient(): Promise<Adapter> {
    return this.#read(accumulated);
  }

  /**
   * One optimizer step: the gradient is the mean over the comparisons of all given transitions. `timestepIndices[i]`
   * lists which steps of example i's trajectories are trained (0 is the noisiest).
   * @throws NonFiniteError on NaN or infinity: go on from the last checkpoint, not from here
   */
  async step(
    examples: readonly Example[],
    timestepIndices: readonly (readonly number[])[],
  ): Promise<StepReport> {
    const rows = examples.flatMap((_, example) =>
      (timestepIndices[example] ?? []).map((timestepIndex) => ({ example, timestepIndex })),
    );
    const sizes = examples.map(sizeOfExample);
    const oneTimestep = takesScalarTimestep(this.options.trainable.unet);
    const runs = layOut(rows, sizes, this.options.run.images, oneTimestep);
    const total = comparisonsIn(rows, sizes);
    const transitions: TransitionReport[] = [];
    for (const [index, run] of runs.entries()) {
      transitions.push(...(await this.#run(examples, run, total, index > 0)));
    }
    const gradNorm = await this.#update();
    return { step: this.#step, gradNorm, transitions };
  }

  async close(): Promise<void> {
    await this.transition.release();
    await this.update.release();
    await this.reference?.release();
  }

  async #run(
    examples: readonly Example[],
    rows: readonly Row[],
    total: number,
    goOn: boolean,
  ): Promise<TransitionReport[]> {
    const { options } = this;
    const { images, comparisons } = fillRun(examples, rows, options.run);
    const latentDims = [images.length, ...options.latent];
    const stack = (read: (image: RunImage) => Float32Array, dims: readonly number[]) =>
      float32(dims, concatenated(images.map(read)));
    const steps = images.map(({ timestepIndex }) =>
      options.scheduler.coefficients(
        this.timesteps[timestepIndex] as number,
        options.inferenceSteps,
        options.eta,
      ),
    );
    const timesteps = steps.map(({ timestep }) => timestep);
    const scalar = takesScalarTimestep(options.trainable.unet);
    const guided: Record<string, Tensor> = {
      latents: stack(
        ({ trajectory, timestepIndex }) => latentsAt(trajectory, timestepIndex),
        latentDims,
      ),
      timestep: scalar ? int64([], timesteps.slice(0, 1)) : int64([images.length], timesteps),
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
    const out = await this.transition.run(
      {
        ...guided,
        ...stepFeeds(steps),
        nextLatents: stack(
          ({ trajectory, timestepIndex }) => latentsAt(trajectory, timestepIndex + 1),
          latentDims,
        ),
        referenceOutput,
        ...comparisonFeeds(comparisons, options.run, total),
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
    return reportTransitions(comparisons, timesteps, out, options.d3po, this.#step + 1);
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

  async #read(slot: (name: string) => string): Promise<Adapter> {
    const found: Adapter = new Map();
    for (const name of this.#names()) {
      found.set(name, (await this.engine.get(slot(name))) as Tensor<'float32'>);
    }
    return found;
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

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
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
