/**
 * @file One optimizer in every lane. The runs of a step are dealt out to the lanes, which sum up
 * their gradients apart; before the step the lanes exchange their sums, and then all take it, each
 * for itself and to the same weights.
 */
import type { Adapter, AdapterTensor } from '@/trainer/diffusion/adapters/lora';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Engine, LoadOptions, Session } from '@/trainer/runtime/engine';
import type { SecondMoment } from './accumulation';
import { Optimizer, type OptimizerOptions, type TrainState } from './optimizer';

export interface Lane {
  engine: Engine;
  optimizer: Optimizer;
}

/** A lane with a graph that trains. */
export interface TrainingLane extends Lane {
  session: Session;
}

export class Replicas {
  private constructor(readonly lanes: readonly Lane[]) {}

  static async open(
    engines: readonly Engine[],
    tensors: readonly AdapterTensor[],
    options: OptimizerOptions,
  ): Promise<Replicas> {
    const lanes = engines.map(async (engine) => ({
      engine,
      optimizer: await Optimizer.open(engine, tensors, options),
    }));
    return new Replicas(await Promise.all(lanes));
  }

  /** Loads a graph that trains into every lane; its sums stay there. */
  loadGraph(
    graph: Graph,
    options: Pick<LoadOptions, 'name' | 'externalDataFolder'>,
  ): Promise<TrainingLane[]> {
    const model = serializeOnnx(graph);
    return Promise.all(
      this.lanes.map(async ({ engine, optimizer }) => {
        const resident = Object.keys(optimizer.sums());
        return { engine, optimizer, session: await engine.load(model, { ...options, resident }) };
      }),
    );
  }

  /** Optimizer steps taken so far. */
  get step(): number {
    return this.#first.step;
  }

  /** Decides which sums a graph that trains must make. */
  get secondMoment(): SecondMoment {
    return this.#first.secondMoment;
  }

  async load(state: TrainState): Promise<void> {
    await this.#all((optimizer) => optimizer.load(state));
  }

  state(): Promise<TrainState> {
    return this.#first.state();
  }

  /** The weights as they are now. */
  weights(): Promise<Adapter> {
    return this.#first.readWeights();
  }

  /** The gradient of the last step, before clipping. */
  gradient(): Promise<Adapter> {
    return this.#first.gradient();
  }

  /**
   * Adds the gradients of the first lanes, as many as there were runs. The others did nothing in
   * this step: their sums are old.
   * @returns the gradient's global L2 norm before clipping @throws NonFiniteError
   */
  async update(learningRate: number, runs = this.lanes.length): Promise<number> {
    if (this.lanes.length > 1) {
      const parts = await Promise.all(
        this.lanes.slice(0, runs).map(({ optimizer }) => optimizer.readSums()),
      );
      const sums = parts.reduce(added);
      await this.#all((optimizer) => optimizer.writeSums(sums));
    }
    const norms = await this.#all((optimizer) => optimizer.update(learningRate));
    return norms[0]!;
  }

  async release(): Promise<void> {
    await this.#all((optimizer) => optimizer.release());
  }

  get #first(): Optimizer {
    return this.lanes[0]!.optimizer;
  }

  #all<Result>(of: (optimizer: Optimizer) => Promise<Result>): Promise<Result[]> {
    return Promise.all(this.lanes.map(({ optimizer }) => of(optimizer)));
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
          (data as Float32Array).map((value, i) => value + more[i]!),
        ),
      ];
    }),
  );
}

/**
 * Lanes for steps of so many runs: with fewer than two runs to a lane, lanes would too often wait
 * for one another.
 */
export const lanesWorth = (runsPerStep = 1) => Math.max(1, Math.floor(runsPerStep / 2));

/**
 * Makes runs in lanes, turn by turn. `goOn` is false for the first of a lane, whose sums it starts
 * afresh. Reports come in the order of the runs.
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
        reports[i] = await make(lane, runs[i]!, i > first);
      }
    }),
  );
  return reports;
}
