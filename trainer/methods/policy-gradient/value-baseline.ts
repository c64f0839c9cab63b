/**
 * @file A = r − V(x_t, c, t), V learned beside the policy, as in google-research/google-research
 * `dpok/train_online_pg.py`: of every draw V learns first, then its transitions are weighed. There
 * the steps' gradients make one step of AdamW, over transitions of a replay buffer; here each is a
 * step, over transitions of the draw.
 */
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { concatenated, expectDtype, float32, int64, type Tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { initialState, Optimizer } from '../optimizer/optimizer';
import { stateOfTensors, tensorsOfState } from '../optimizer/state-tensors';
import { spreadOf } from './advantages';
import type { Baseline, DrawSize, OpenBaseline } from './baseline';
import type { DrawnImage } from './draw';
import {
  buildValue,
  buildValueStep,
  featureCount,
  featuresOf,
  initialValueNetwork,
  outputBias,
  valueTensors,
} from './value-network';

export interface ValueSettings {
  learningRate: number;
  /** Steps of AdamW per draw. */
  steps: number;
}

/** Of `train_online_pg.py`. */
const mostRows = 256;

/** PyTorch's, which the official code leaves as they are. */
const adamW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/** The count of the network's own steps, beside its tensors. */
const stepName = 'step';

/** A transition of a draw. */
interface Place {
  image: number;
  step: number;
}

export function valueBaseline(settings: ValueSettings): OpenBaseline {
  return async (engine, size) => {
    const rows = Math.min(mostRows, size.images * size.steps);
    const optimizer = await Optimizer.open(engine, valueTensors(size), { adamW });
    const learn = await engine.load(serializeOnnx(buildValueStep(size, rows)), {
      name: 'value step',
      resident: Object.keys(optimizer.sums()),
    });
    const value = await engine.load(serializeOnnx(buildValue(size, rows)), { name: 'value' });
    return new ValueBaseline(engine, settings, { ...size, rows }, { optimizer, learn, value });
  };
}

class ValueBaseline implements Baseline {
  constructor(
    private readonly engine: Engine,
    private readonly settings: ValueSettings,
    private readonly size: DrawSize & { rows: number },
    private readonly parts: { optimizer: Optimizer; learn: Session; value: Session },
  ) {}

  async weigh(draw: readonly DrawnImage[], random: () => number) {
    const places = draw.flatMap(({ logProbabilities }, image) =>
      logProbabilities.map((_, step): Place => ({ image, step })),
    );
    if (this.parts.optimizer.step === 0) {
      const { mean } = spreadOf(draw.map(({ reward }) => reward));
      await this.engine.put(outputBias, float32([1], [mean]));
    }
    let valueLoss: number | undefined;
    for (let step = 0; step < this.settings.steps; step++) {
      const loss = await this.#learn(draw, chosen(places, this.size.rows, random));
      valueLoss ??= loss;
    }
    const advantages = draw.map(({ reward, logProbabilities }) =>
      new Float64Array(logProbabilities.length).fill(reward),
    );
    for (let first = 0; first < places.length; first += this.size.rows) {
      const together = places.slice(first, first + this.size.rows);
      const values = await this.#values(draw, together);
      for (const [row, { image, step }] of together.entries()) {
        const own = advantages[image]! as Float64Array;
        own[step] = own[step]! - values[row]!;
      }
    }
    return { advantages, ...(valueLoss !== undefined && { valueLoss }) };
  }

  async load(kept: ReadonlyMap<string, Tensor>): Promise<void> {
    const step = kept.get(stepName);
    await this.parts.optimizer.load(
      step
        ? stateOfTensors(
            kept,
            Number(expectDtype(step, 'int64', 'Steps of the value network').data[0]),
          )
        : initialState(initialValueNetwork(this.size)),
    );
  }

  async state(): Promise<ReadonlyMap<string, Tensor>> {
    const state = await this.parts.optimizer.state();
    return tensorsOfState(state).set(stepName, int64([], [state.step]));
  }

  async release(): Promise<void> {
    await this.parts.learn.release();
    await this.parts.value.release();
    await this.parts.optimizer.release();
  }

  async #learn(draw: readonly DrawnImage[], places: readonly Place[]): Promise<number> {
    const { optimizer, learn } = this.parts;
    const rewards = places.map(({ image }) => draw[image]!.reward);
    const out = await learn.run(
      {
        ...this.#feeds(draw, places),
        reward: float32([places.length], rewards),
        keepSum: float32([], [0]),
        ...optimizer.feeds(),
      },
      { fetch: ['loss'], keep: optimizer.sums() },
    );
    await optimizer.update(this.settings.learningRate);
    return outputOf(out, 'loss', 'float32').data[0]!;
  }

  async #values(draw: readonly DrawnImage[], places: readonly Place[]): Promise<Float32Array> {
    const { optimizer, value } = this.parts;
    const [first] = places;
    // The network's rows are fixed: what is left of them repeats the first.
    const rows = Array.from(
      { length: this.size.rows },
      (_, row) => places[row] ?? first,
    ) as Place[];
    const out = await value.run({ ...this.#feeds(draw, rows), ...optimizer.weights() }, {});
    return outputOf(out, 'value', 'float32').data;
  }

  #feeds(draw: readonly DrawnImage[], places: readonly Place[]): Record<string, Tensor> {
    const { steps } = this.size;
    const features = places.map(({ image, step }) => featuresOf(draw[image]!, step, this.size));
    const step = new Float32Array(places.length * steps);
    for (const [row, place] of places.entries()) step[row * steps + place.step] = 1;
    return {
      features: float32([places.length, featureCount(this.size)], concatenated(features)),
      step: float32([places.length, steps], step),
    };
  }
}

/** `count` of the items, each at most once. */
function chosen<T>(items: readonly T[], count: number, random: () => number): T[] {
  const deck = [...items];
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(random() * (deck.length - i));
    [deck[i], deck[other]] = [deck[other]!, deck[i]!];
  }
  return deck.slice(0, count);
}
