/**
 * @file AdamW over trained tensors that stay in the engine: weights, moments, the gradients summed
 * up so far, and, where one is wanted, the weights' moving average. A method's graph reads the
 * weights and adds to the sums; `update` turns the sums into new weights.
 */
import { type AdamWSettings, adamWFeeds } from '@/trainer/autodiff/adamw';
import type { Adapter, AdapterTensor } from '@/trainer/diffusion/adapters/lora';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { type Tensor, zeros } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { accumulated, type SecondMoment, sumsOf } from './accumulation';
import { average, movingAverageFeeds } from './moving-average';
import { NonFiniteError } from './non-finite';
import { buildUpdateStep, firstMoment, next, secondMoment } from './update-step';

/** Everything that a checkpoint must hold to go on exactly. */
export interface TrainState {
  tensors: Adapter;
  firstMoments: Adapter;
  secondMoments: Adapter;
  /** The weights' moving average, where one is kept. */
  averages?: Adapter;
  /** Optimizer steps taken. */
  step: number;
  /** What a method keeps beside its weights, by name. */
  extra?: ReadonlyMap<string, Tensor>;
}

/** A state at which nothing has been trained yet. */
export function initialState(tensors: Adapter): TrainState {
  const blank = () => new Map([...tensors].map(([name, t]) => [name, zeros('float32', t.dims)]));
  return { tensors, firstMoments: blank(), secondMoments: blank(), step: 0 };
}

/**
 * The weights that a training is for: their average where one is kept. Training itself goes on from
 * the raw ones.
 */
export function producedTensors({ tensors, averages }: TrainState): Adapter {
  return averages ?? tensors;
}

/** How trained tensors move; the same for every method. */
export interface OptimizerOptions {
  adamW: AdamWSettings;
  /** 'step' unless told. */
  secondMoment?: SecondMoment;
  /**
   * The most that remains of the moving average after a step, below 1. 0, or left out: none is
   * kept.
   */
  emaDecay?: number;
}

const weight = (name: string) => name;

function slotsOf({ emaDecay = 0 }: OptimizerOptions) {
  const slots = [weight, firstMoment, secondMoment];
  return emaDecay > 0 ? [...slots, average] : slots;
}

export class Optimizer {
  #step = 0;
  readonly #names: readonly string[];
  /** What stays in the engine of each tensor from step to step. */
  readonly #kept: readonly ((name: string) => string)[];
  /** Decides which sums a graph that trains must make. */
  readonly secondMoment: SecondMoment;

  private constructor(
    private readonly engine: Engine,
    private readonly tensors: readonly AdapterTensor[],
    private readonly options: OptimizerOptions,
    private readonly session: Session,
  ) {
    this.#names = tensors.map(({ name }) => name);
    this.#kept = slotsOf(options);
    this.secondMoment = options.secondMoment ?? 'step';
  }

  static async open(
    engine: Engine,
    tensors: readonly AdapterTensor[],
    options: OptimizerOptions,
  ): Promise<Optimizer> {
    const { adamW, secondMoment: from = 'step', emaDecay = 0 } = options;
    const graph = buildUpdateStep(tensors, adamW, from, emaDecay > 0);
    const session = await engine.load(serializeOnnx(graph), {
      name: 'AdamW step',
      // Thousands of elementwise operators, of which ONNX Runtime can make no better ones, but
      // takes a second to find that out.
      optimization: 'disabled',
      resident: tensors.flatMap(({ name }) => slotsOf(options).map((slot) => next(slot(name)))),
    });
    return new Optimizer(engine, tensors, options, session);
  }

  /** Optimizer steps taken so far. */
  get step(): number {
    return this.#step;
  }

  /** Puts weights, moments and average where training goes on from. */
  async load(state: TrainState): Promise<void> {
    const values = new Map<string, Tensor>();
    for (const { name, dims } of this.tensors) {
      values.set(name, state.tensors.get(name) as Tensor);
      values.set(firstMoment(name), state.firstMoments.get(name) as Tensor);
      values.set(secondMoment(name), state.secondMoments.get(name) as Tensor);
      if (this.#averaged) values.set(average(name), producedTensors(state).get(name) as Tensor);
      for (const sum of sumsOf(name, this.secondMoment)) values.set(sum, zeros('float32', dims));
    }
    await this.engine.putAll(values);
    this.#step = state.step;
  }

  /** Weights, moments and average as they are now. */
  async state(): Promise<TrainState> {
    return {
      tensors: await this.#read(weight),
      firstMoments: await this.#read(firstMoment),
      secondMoments: await this.#read(secondMoment),
      ...(this.#averaged && { averages: await this.#read(average) }),
      step: this.#step,
    };
  }

  /** The weights as they are now. */
  readWeights(): Promise<Adapter> {
    return this.#read(weight);
  }

  /** The gradient of the last step, before clipping. */
  gradient(): Promise<Adapter> {
    return this.#read(accumulated);
  }

  /** Feeds of a graph that reads the weights. */
  weights() {
    return this.#slots(weight);
  }

  /** Feeds of a graph that reads the weights and the sums. */
  feeds() {
    const sums = this.#sumNames().map((name) => [name, this.engine.slot(name)]);
    return { ...this.weights(), ...Object.fromEntries(sums) };
  }

  /** Outputs of such a graph that stay in the engine: the sums with its gradient added. */
  sums(): Record<string, string> {
    return Object.fromEntries(this.#sumNames().map((name) => [next(name), name]));
  }

  /** The sums as they are, by slot. */
  readSums(): Promise<Map<string, Tensor>> {
    return this.engine.getAll(this.#sumNames());
  }

  /** Puts others in their place. */
  writeSums(sums: ReadonlyMap<string, Tensor>): Promise<void> {
    return this.engine.putAll(sums);
  }

  /**
   * Takes a step by the summed gradient. @returns its global L2 norm before clipping @throws
   * NonFiniteError
   */
  async update(learningRate: number): Promise<number> {
    const { adamW, emaDecay = 0 } = this.options;
    const step = this.#step + 1;
    const out = await this.session.run(
      {
        ...this.feeds(),
        ...Object.assign({}, ...this.#kept.map((slot) => this.#slots(slot))),
        ...adamWFeeds(step, learningRate, adamW),
        ...(this.#averaged && movingAverageFeeds(step, emaDecay)),
      },
      {
        fetch: ['gradNorm'],
        keep: Object.fromEntries(
          this.#names.flatMap((name) => this.#kept.map((slot) => [next(slot(name)), slot(name)])),
        ),
      },
    );
    this.#step = step;
    const gradNorm = outputOf(out, 'gradNorm', 'float32').data[0]!;
    if (Number.isFinite(gradNorm)) return gradNorm;
    throw new NonFiniteError(
      `The gradient of step ${this.#step} is ${gradNorm}. Lower the learning rate, or start from an earlier policy.`,
    );
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  get #averaged(): boolean {
    return this.#kept.includes(average);
  }

  #sumNames(): string[] {
    return this.#names.flatMap((name) => sumsOf(name, this.secondMoment));
  }

  async #read(slot: (name: string) => string): Promise<Adapter> {
    const found = await this.engine.getAll(this.#names.map(slot));
    return new Map(this.#names.map((name) => [name, found.get(slot(name)) as Tensor<'float32'>]));
  }

  #slots(slot: (name: string) => string) {
    return Object.fromEntries(
      this.#names.map((name) => [slot(name), this.engine.slot(slot(name))]),
    );
  }
}
