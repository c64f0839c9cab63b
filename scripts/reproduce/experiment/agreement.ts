/**
 * @file Where the labels speak with one voice: gradients of D3PO from two disjoint halves of one
 * round, compared per timestep and per kind of module. What the halves share is signal, the rest is
 * noise of single images. A cosine near 0 does not make a step useless: the optimizer weighs every
 * entry by how sure it is, the cosine by how large.
 */
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Tensor } from '@/trainer/graph/tensor';
import { Judge } from '@/trainer/hands/judge/judge';
import type { Example } from '@/trainer/methods/transitions/examples';
import { type Label, randomOf } from '@/trainer/rounds/draw/random';
import type { Engine } from '@/trainer/runtime/engine';
import type { Experiment } from './catalogue';
import { collect, imagesTogether } from './collect';
import { openStudent, untrained } from './student';
import { openTrainer } from './train';

export interface Agreement {
  /** 0 is the noisiest step. */
  timestepIndex: number;
  /** Kind of module the adapter sits at; 'all' is the whole adapter. */
  modules: string;
  /** Cosine between the halves' gradients. */
  cosine: number;
  /** Product of the halves' gradients: the squared length of what they share, in expectation. */
  shared: number;
  /** Mean squared length of a half's gradient: signal and noise. */
  squaredLength: number;
}

export interface AgreementReport {
  judgements: number;
  preferences: number;
  rows: Agreement[];
}

const kinds: [name: string, pattern: RegExp][] = [
  ['all', /./],
  ['self-attention', /\.attn1\./],
  ['cross-attention', /\.attn2\./],
  ['feed-forward', /\.ff\.net\./],
  ['convolutions', /\.(conv1|conv2|conv_shortcut|proj_in|proj_out)\./],
];

/** Draws, judges and differentiates a first round, without taking a step. */
export async function measureAgreement(
  engine: Engine,
  pipeline: Pipeline,
  experiment: Experiment,
  label: Label,
  log: (line: string) => void,
): Promise<AgreementReport> {
  const training = { ...experiment.training, learningRate: 0 };
  const student = openStudent(engine, pipeline, training);
  const eyes = await Judge.open(engine, 'b');
  const adapter = untrained(student, randomOf(...label, 'adapter').gaussian);
  const { judged, judgements } = await collect(student, eyes, adapter, experiment, [...label, 0]);
  const preferences = judged.reduce((sum, { comparisons }) => sum + comparisons.length, 0);
  log(`${judgements} judgements, ${preferences} preferences`);
  const opened = await openTrainer(student, adapter, imagesTogether(experiment));
  const examples = await opened.examples(judged);
  const middle = examples.length >> 1;
  const halves = [examples.slice(0, middle), examples.slice(middle)] as const;
  const gradientOf = async (half: readonly Example[], timestepIndex: number) => {
    await opened.trainer.step(
      half,
      half.map(() => [timestepIndex]),
    );
    return opened.trainer.gradient();
  };
  const rows: Agreement[] = [];
  for (let timestepIndex = 0; timestepIndex < training.steps; timestepIndex += 2) {
    const one = await gradientOf(halves[0], timestepIndex);
    const other = await gradientOf(halves[1], timestepIndex);
    const here = kinds.map(([modules, pattern]) => ({
      timestepIndex,
      modules,
      ...compare(one, other, pattern),
    }));
    log(
      `step ${timestepIndex}: ${here.map(({ modules, cosine }) => `${modules} ${cosine.toFixed(3)}`).join(', ')}`,
    );
    rows.push(...here);
  }
  await opened.close();
  return { judgements, preferences, rows };
}

/** Cosine and lengths of two gradients over the tensors whose names match. */
function compare(one: Adapter, other: Adapter, pattern: RegExp) {
  let shared = 0;
  let first = 0;
  let second = 0;
  for (const [name, { data }] of one) {
    if (!pattern.test(name)) continue;
    const opposite = (other.get(name) as Tensor<'float32'>).data;
    data.forEach((value, i) => {
      const against = opposite[i]!;
      shared += value * against;
      first += value * value;
      second += against * against;
    });
  }
  const cosine = first > 0 && second > 0 ? shared / Math.sqrt(first * second) : 0;
  return { cosine, shared, squaredLength: (first + second) / 2 };
}
