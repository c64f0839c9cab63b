/**
 * @file AdamW over trained tensors that stay in the engine: weights, moments and the gradients summed up so far. A method's
 * graph reads the weights and adds to the sums; `update` turns the sums into new weights.
 */
import { type AdamWSettings, adamWFeeds } from '@/trainer/autodiff/adamw';
import type { Adapter, AdapterTensor } from '@/trainer/diffusion/lora';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { type Tensor, zeros } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { NonFiniteError } from '../transitions/run';
import { accumulated, type SecondMoment, sumsOf } from './accumulation';
import { buildUpdateStep, firstMoment, next, secondMoment } from './update-step';

/** Everything that a checkpoint must hold to go on exactly. */
export interface TrainState {
  tensors: Adapter;
  firstMoments: Adapter;
  secondMoments: Adapter;
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

const weight = (name: string) => name;

export class Optimizer {
  #step = 0;
  readonly #names: readonly string[];

  private constructor(
    private readonly engine: Engine,
    private readonly tensors: readonly AdapterTensor[],
    private readonly settings: AdamWSettings,
    /** Decides which sums a graph that trains must make. */
    readonly secondMoment: SecondMoment,
    private readonly session: Session,
  ) {
    this.#names = tensors.map(({ name }) => name);
  }

  static async open(
    engine: Engine,
    tensors: readonly AdapterTensor[],
    settings: AdamWSettings,
    moments: SecondMoment,
  ): Promise<Optimizer> {
    const session = await engine.load(serializeOnnx(buildUpdateStep(tensors, settings, moments)), {
      name: 'AdamW step',
      resident: tensors.flatMap(({ name }) =>
        [weight, firstMoment, secondMoment].map((slot) => next(slot(name))),
      ),
    });
    return new Optimizer(engine, tensors, settings, moments, session);
  }

  /** Optimizer steps taken so far. */
  get step(): number {
    return this.#step;
  }

  /** Puts weights and moments where training goes on from. */
  async load(state: TrainState): Promise<void> {
    for (const { name, dims } of this.tensors) {
      await this.engine.put(name, state.tensors.get(name) as Tensor);
      await this.engine.put(firstMoment(name), state.firstMoments.get(name) as Tensor);
      await this.engine.put(secondMoment(name), state.secondMoments.get(name) as Tensor);
      for (const sum of sumsOf(name, this.secondMoment)) {
        await this.engine.put(sum, zeros('float32', dims));
      }
    }
    this.#step = state.step;
  }

  /** Weights and moments as they are now. */
  async state(): Promise<TrainState> {
    return {
      tensors: await this.#read(weight),
      firstMoments: await this.#read(firstMoment),
      secondMoments: await this.#read(secondMoment),
      step: this.#step,
    };
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

  /** Takes a step by the summed gradient. @returns its global L2 norm before clipping @throws NonFiniteError */
  async update(learningRate: number): Promise<number> {
    const slots = [weight, firstMoment, secondMoment];
    const out = await this.session.run(
      {
        ...this.feeds(),
        ...this.#slots(firstMoment),
        ...this.#slots(secondMoment),
        ...adamWFeeds(this.#step + 1, learningRate, this.settings),
      },
      {
        fetch: ['gradNorm'],
        keep: Object.fromEntries(
          this.#names.flatMap((name) => slots.map((slot) => [next(slot(name)), slot(name)])),
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

  async release(): Promise<void> {
    await this.session.release();
  }

  #sumNames(): string[] {
    return this.#names.flatMap((name) => sumsOf(name, this.secondMoment));
  }

  async #read(slot: (name: string) => string): Promise<Adapter> {
    const found: Adapter = new Map();
    for (const name of this.#names) {
      found.set(name, (await this.engine.get(slot(name))) as Tensor<'float32'>);
    }
    return found;
  }

  #slots(slot: (name: string) => string) {
    return Object.fromEntries(
      this.#names.map((name) => [slot(name), this.engine.slot(slot(name))]),
    );
  }
}
