/**
 * @file One optimizer in every lane. The runs of a step are dealt out to the lanes, which sum up their gradients apart; before
 * the step the lanes exchange their sums, and then all take it, each for itself and to the same weights.
 */
import type { Adapter, AdapterTensor } from '@/trainer/diffusion/lora';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import type { SecondMoment } from './accumulation';
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

  /** Decides which sums a graph that trains must make. */
  get secondMoment(): SecondMoment {
    return this.#first.secondMoment;
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
   * Takes a step by the sums of as many lanes as there were runs; what another holds is of an earlier step.
   * @returns the gradient's global L2 norm before clipping @throws NonFiniteError
   */
  async update(learningRate: number, runs = this.optimizers.length): Promise<number> {
    if (this.optimizers.length > 1) {
      const parts = await Promise.all(
        this.optimizers.slice(0, runs).map((optimizer) => optimizer.readSums()),
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

/** Lanes for steps of so many runs: with fewer than two runs to a lane, lanes would too often wait for one another. */
export const lanesWorth = (runsPerStep = 1) => Math.max(1, Math.floor(runsPerStep / 2));

/**
 * Makes runs in lanes, turn by turn. `goOn` is false for the first of a lane, whose sums it starts afresh. Reports come in the
 * order of the runs.
 */
export async function dealOut<Lane, Run, Report>(
  lanes: readonly Lane[],
  runs: readonly Run[],
  make: (lane: Lane, run: Run, goOn: boolean) => Promise<Report>,
): Promise<Report[]> {
  const reports: Report[] = [];
  await Promise.all(
    lanes.map(async (lane, first) => {
      for (let i = first; i < runs.length; i += lanes.length) {
        reports[i] = await make(lane, runs[i] as Run, i > first);
      }
    }),
  );
  return reports;
}
