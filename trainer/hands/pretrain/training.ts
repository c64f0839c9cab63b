/**
 * @file Training all weights of a network inside the engine: one graph holds forward, backward and
 * AdamW, and weights, moments and the running average stay in the engine's slots. Only a batch goes
 * in and a few numbers come out.
 */
import { type AdamWSettings, adamWFeeds, appendAdamW } from '@/trainer/autodiff/adamw';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor, zeros } from '@/trainer/graph/tensor';
import { type Engine, type Feeds, outputOf, type Session } from '@/trainer/runtime/engine';
import { Layers } from '../networks/layers';

/** A weight by PyTorch's name. */
export interface Parameter {
  name: string;
  dims: readonly number[];
}

/** Appends a network; returns its outputs by name. */
export type Network = (layers: Layers) => Record<string, Value>;

/** The kinds of state kept per weight: the weight, AdamW's two moments, the running average. */
export const STATE_KINDS = ['weight', 'first', 'second', 'average'] as const;
type StateKind = (typeof STATE_KINDS)[number];

const slotName = (kind: StateKind, name: string) => `${kind}/${name}`;

export const ADAMW = {
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
} as const satisfies AdamWSettings;

export interface StepReport {
  loss: number;
  gradientNorm: number;
  /** The network's other outputs; each a scalar. */
  metrics: Record<string, number>;
}

/** A network whose weights are graph inputs. */
function trace(name: string, network: Network) {
  const builder = new Builder(name);
  const parameters: Parameter[] = [];
  const layers = new Layers(builder, (weight, dims) => {
    if (!builder.has(weight)) parameters.push({ name: weight, dims: [...dims] });
    return builder.has(weight) ? weight : builder.input(weight, 'float32', dims);
  });
  return { builder, parameters, outputs: network(layers) };
}

/** The weights that a network asks for. */
export function parametersOf(name: string, network: Network): Parameter[] {
  return trace(name, network).parameters;
}

export class Training {
  private constructor(
    private readonly engine: Engine,
    private readonly session: Session,
    private readonly averaging: Session,
    private readonly metrics: readonly string[],
    readonly parameters: readonly Parameter[],
  ) {}

  /** Compiles the training of `network`, whose output `loss` is a scalar. */
  static async compile(engine: Engine, name: string, network: Network): Promise<Training> {
    const { builder: b, parameters, outputs } = trace(name, network);
    const { loss, ...others } = outputs;
    if (!loss) throw new Error(`The network "${name}" has no output "loss"; return one.`);
    const wrt = parameters.map((parameter) => parameter.name);
    const gradientOf = gradients(b, { of: loss, wrt });
    const resident: string[] = [];
    const { updated, gradNorm } = appendAdamW(
      b,
      parameters.map(({ name: weight, dims }, index) => ({
        value: weight,
        gradient: gradientOf[index]!,
        firstMoment: b.input(slotName('first', weight), 'float32', dims),
        secondMoment: b.input(slotName('second', weight), 'float32', dims),
        decays: dims.length > 1,
      })),
      ADAMW,
    );
    parameters.forEach(({ name: weight }, index) => {
      const { value, firstMoment, secondMoment } = updated[index]!;
      const next = { weight: value, first: firstMoment, second: secondMoment };
      for (const kind of ['weight', 'first', 'second'] as const) {
        const output = `next/${slotName(kind, weight)}`;
        b.output(next[kind], output);
        resident.push(output);
      }
    });
    const metrics = Object.keys(others);
    b.output(loss, 'loss');
    b.output(gradNorm, 'gradient_norm');
    for (const [metric, value] of Object.entries(others)) b.output(value, metric);
    const session = await engine.load(serializeOnnx(b.finish()), { name, resident });
    const averaging = await loadAveraging(engine, parameters);
    return new Training(engine, session, averaging, metrics, parameters);
  }

  /** Starts from these weights. */
  async start(weights: ReadonlyMap<string, Tensor>): Promise<void> {
    await this.restore(freshState(weights));
  }

  /** Goes on from a state that `state` gave. */
  async restore(state: ReadonlyMap<string, Tensor>): Promise<void> {
    for (const { name } of this.parameters) {
      for (const kind of STATE_KINDS) {
        const slot = slotName(kind, name);
        await this.engine.put(slot, state.get(slot) ?? missing(slot));
      }
    }
  }

  /** Everything that training goes on from. */
  async state(): Promise<Map<string, Tensor>> {
    const state = new Map<string, Tensor>();
    for (const { name } of this.parameters) {
      for (const kind of STATE_KINDS) {
        const slot = slotName(kind, name);
        state.set(slot, await this.engine.get(slot));
      }
    }
    return state;
  }

  /** One step of AdamW. @param step counted from 1 */
  async step(feeds: Feeds, learningRate: number, step: number): Promise<StepReport> {
    const all: Record<string, Feeds[string]> = {
      ...feeds,
      ...adamWFeeds(step, learningRate, ADAMW),
    };
    const keep: Record<string, string> = {};
    for (const { name } of this.parameters) {
      all[name] = this.engine.slot(slotName('weight', name));
      for (const kind of ['first', 'second'] as const) {
        all[slotName(kind, name)] = this.engine.slot(slotName(kind, name));
      }
      for (const kind of ['weight', 'first', 'second'] as const) {
        keep[`next/${slotName(kind, name)}`] = slotName(kind, name);
      }
    }
    const fetch = ['loss', 'gradient_norm', ...this.metrics];
    const outputs = await this.session.run(all, { fetch, keep });
    const read = (output: string) => outputOf(outputs, output, 'float32').data[0]!;
    const loss = read('loss');
    if (!Number.isFinite(loss)) {
      throw new Error(
        `The loss became ${loss} at step ${step}; resume from the last checkpoint at a lower rate.`,
      );
    }
    return {
      loss,
      gradientNorm: read('gradient_norm'),
      metrics: Object.fromEntries(this.metrics.map((metric) => [metric, read(metric)])),
    };
  }

  /** Moves the running average toward the weights. @param decay share of the average that stays */
  async average(decay: number): Promise<void> {
    const feeds: Record<string, Feeds[string]> = { toward: float32([], [1 - decay]) };
    const keep: Record<string, string> = {};
    for (const { name } of this.parameters) {
      for (const kind of ['weight', 'average'] as const) {
        feeds[slotName(kind, name)] = this.engine.slot(slotName(kind, name));
      }
      keep[`next/${name}`] = slotName('average', name);
    }
    await this.averaging.run(feeds, { fetch: [], keep });
  }

  /** A session of another network over the averaged weights (of which it may use a part). */
  async evaluation(name: string, network: Network): Promise<(feeds: Feeds) => Promise<Tensor[]>> {
    const { builder, parameters, outputs } = trace(name, network);
    for (const [output, value] of Object.entries(outputs)) builder.output(value, output);
    const session = await this.engine.load(serializeOnnx(builder.finish()), { name });
    const weights = Object.fromEntries(
      parameters.map((weight) => [weight.name, this.engine.slot(slotName('average', weight.name))]),
    );
    return async (feeds) => {
      const results = await session.run({ ...feeds, ...weights });
      return Object.keys(outputs).map((output) => results[output]!);
    };
  }
}

async function loadAveraging(engine: Engine, parameters: readonly Parameter[]): Promise<Session> {
  const b = new Builder('average');
  const toward = b.input('toward', 'float32', []);
  const resident = parameters.map(({ name, dims }) => {
    const weight = b.input(slotName('weight', name), 'float32', dims);
    const average = b.input(slotName('average', name), 'float32', dims);
    b.output(b.add(average, b.mul(b.sub(weight, average), toward)), `next/${name}`);
    return `next/${name}`;
  });
  return engine.load(serializeOnnx(b.finish()), { name: 'average', resident });
}

function missing(name: string): never {
  throw new Error(
    `There is no weight "${name}" to start from; the checkpoint is of another network.`,
  );
}

/**
 * The state at which training from `weights` begins: moments zero, average equal to the weights.
 */
export function freshState(weights: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map(
    [...weights].flatMap(([name, weight]): [string, Tensor][] => [
      [slotName('weight', name), weight],
      [slotName('average', name), weight],
      [slotName('first', name), zeros('float32', weight.dims)],
      [slotName('second', name), zeros('float32', weight.dims)],
    ]),
  );
}

/** The averaged weights of a state, by PyTorch's name. */
export function averagedWeights(state: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const prefix = slotName('average', '');
  return new Map(
    [...state]
      .filter(([slot]) => slot.startsWith(prefix))
      .map(([slot, value]) => [slot.slice(prefix.length), value]),
  );
}
