/**
 * @file One optimizer in every lane. The runs of a step are dealt out to the lanes, which sum up their gradients apart; before
 * the step the lanes exchange their sums, and then all take it, each for itself and to the same weights.
 */
import type { Adapter, AdapterTensor } from '@/trainer/diffusion/lora';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { Optimizer, type OptimizerOptions, type TrainState } from './optimizer';

export class Replicas {
  private constructor(private readonly optimizers: readonly Optimizer[]) {}

  static async open(
    lanes: readonly Engine[],
    tensors: readonly AdapterTensor[],
    options: OptimizerOptions,
  ): Promise<Replicas> {
    const opened = lanes.map((lane) => Optimizer.open(lane, tensors, options));
    return new Replicas(await Promise.all(opened));
  }

  /** Optimizer steps taken so far. */
  get step(): number {
    return this.#first.step;
  }

  /** A lane's own: its feeds and sums are for that lane's sessions. */
  of(lane: number): Optimizer {
    return this.optimizers[lane] as Optimizer;
  }

  async load(state: TrainState): Promise<void> {
    await Promise.all(this.optimizers.map((optimizer) => optimizer.load(state)));
  }

  state(): Promise<TrainState> {
    return this.#first.state();
  }

  /** The gradient of the last step, before clipping. */
  gradient(): Promise<Adapter> {
    return this.#first.gradient();
  }

  /**
   * Takes a step by the sums of the first `used` lanes; what the others hold is of an earlier step.
   * @returns the gradient's global L2 norm before clipping @throws NonFiniteError
   */
  async update(learningRate: number, used: number): Promise<number> {
    if (this.optimizers.length > 1) {
      const parts = await Promise.all(
        this.optimizers.slice(0, used).map((optimizer) => optimizer.readSums()),
      );
      const sums = parts.reduce(added);
      await Promise.all(this.optimizers.map((optimizer) => optimizer.writeSums(sums)));
    }
    const norms = await Promise.all(
      this.optimizers.map((optimizer) => optimizer.update(learningRate)),
    );
    return norms[0] as number;
  }

  async release(): Promise<void> {
    await Promise.all(this.optimizers.map((optimizer) => optimizer.release()));
  }

  get #first(): Optimizer {
    return this.optimizers[0] as Optimizer;
  }
}

function added(
  one: ReadonlyMap<string, Tensor>,
  other: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  return new Map(
    [...one].map(([name, { dims, data }]) => {
      const more = other.get(name)?.data as Float32Array;
      return [
        name,
        float32(
          dims,
          (data as Float32Array).map((value, i) => value + (more[i] as number)),
        ),
      ];
    }),
  );
}
