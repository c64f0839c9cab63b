/** @file What figure `rewards` found, and its report. */
import type { Bench } from '../bench';
import type { Effort } from '../desk';
import { type KeptImages, pixelsOf, seedsPoint, seedsText, type Told, table } from '../figure';
import { evaluations, noPasses, type Passes } from '../picks/passes';
import { writePlots } from '../reports/plot';
import { sheetOf } from '../reports/sheet';
import { meanOf } from '../training/evaluation';
import { contenders, rewardNames } from './contenders';
import { type MemoryUnit, mebibytes, memoryImages } from './memory';

export interface RewardUnit {
  method: string;
  reward: string;
  seed: number;
  effort: Effort;
  /** After the first step, which also loads graphs. */
  secondsPerStep: number;
  /** Half-way and at the end: scores on the evaluation images, and what training took. */
  reached: { step: number; seconds: number; passes: Passes; scores: number[]; diversity: number }[];
  images: KeptImages;
}

export interface RewardsResult {
  base: { effort: Effort; scores: Record<string, number[]>; images: KeptImages };
  units: RewardUnit[];
  memory: MemoryUnit[];
}

/**
 * Mean gain over the base on the same prompts and seeds, in standard deviations of the base's
 * images.
 */
export function gainOf(
  { reward, reached }: RewardUnit,
  base: Record<string, number[]>,
  at = -1,
): number {
  const before = base[reward]!;
  const mean = meanOf(before);
  const deviation = Math.sqrt(meanOf(before.map((score) => (score - mean) ** 2)));
  return (meanOf(reached.at(at)?.scores ?? before) - mean) / deviation;
}

/** Markdown, plots and images of the figure. */
export function tellRewards(
  { base, units, memory }: RewardsResult,
  { sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>,
): Told {
  const { budget, images, learningRate, evaluationImages, truncation } = sizes.rewards;
  const methods = Object.keys(contenders(sizes));
  const names = rewardNames.filter((name) => units.some(({ reward }) => reward === name));
  const of = (reward: string, method: string) =>
    units.filter((unit) => unit.reward === reward && unit.method === method);
  const gain = (unit: RewardUnit) => gainOf(unit, base.scores);
  const end = (unit: RewardUnit) => unit.reached.at(-1) as RewardUnit['reached'][number];
  const text = (read: (unit: RewardUnit) => number) =>
    names.map((name) => [
      name,
      ...methods.map((method) => seedsText(of(name, method).map(read), 2)),
    ]);
  const plots = names.map((name) => ({
    title: name,
    x: 'UNet evaluations',
    y: 'gain, deviations of the base',
    series: methods.map((method) => {
      const own = of(name, method);
      const reached = [0, 1].map((at) =>
        seedsPoint(
          meanOf(own.map((unit) => evaluations(unit.reached[at]?.passes ?? noPasses))),
          own.map((unit) => gainOf(unit, base.scores, at)),
        ),
      );
      return { name: method, points: [{ x: 0, y: 0 }, ...reached] };
    }),
  }));
  const kinds = [...new Set(memory.map(({ method }) => method))];
  const ks = [...new Set(memory.map(({ k }) => k))];
  const memoryPlot = {
    title: `Peak memory of one step of ${memoryImages} images`,
    x: 'K, steps differentiated',
    y: 'MiB',
    span: [0, 1] as const,
    series: kinds.map((name) => ({
      name,
      points: memory
        .filter(({ method }) => method === name)
        .map((unit) => ({ x: unit.k, y: mebibytes(unit.effort) })),
    })),
  };
  const peaks = kinds.map((name) => [
    name,
    ...ks.map((k) =>
      memory
        .filter((unit) => unit.method === name && unit.k === k)
        .map(({ effort }) => mebibytes(effort).toFixed(0))
        .join(),
    ),
  ]);
  const head = ['reward', ...methods];
  const firstSeed = units.filter(({ seed }) => seed === seeds[0]);
  const sheetRows = methods.flatMap((method) =>
    firstSeed.filter((unit) => unit.method === method && unit.reward === names[0]),
  );
  const told = `Every run may take about ${budget} UNet evaluations to train, in steps of ${images} images at learning rate ${learningRate} (AdamW, for which the
reward's scale is none of its business); DRTune has K 3 and early stop 2, DRaFT-K has K ${truncation}, AlignProp's truncation is drawn around
84 % of the steps, ReFL trains one of the last quarter and its hinge is never reached. What is reached is measured on ${evaluationImages} images
of the evaluation prompts, half-way and at the end, as the mean gain over the base in standard deviations of the base's
images, so that rewards can be laid side by side. \`picks\`, \`flags\` and \`alignment\` are learned from ${sizes.judgements} judgements each.

Gain at the end of the budget:

${table(head, text(gain))}

Gain per minute of training, without the time that graphs take to load:

${table(
  head,
  text((unit) => (60 * gain(unit)) / (unit.secondsPerStep * end(unit).step)),
)}

Gain per thousand UNet evaluations:

${table(
  head,
  text((unit) => (1000 * gain(unit)) / evaluations(end(unit).passes)),
)}

![Gain over UNet evaluations for every reward](methods/rewards.svg)

Peak resident memory of the engine, MiB, a fresh one for each K; each method brings its gradient back one UNet at a time:

${table(['K', ...ks.map(String)], peaks)}

![Peak memory against K](methods/memory.svg)

${names[0]} at the end, the same prompts and seeds; from above: base, ${sheetRows.map(({ method }) => method).join(', ')}.

![Images of the base and of every method](methods/rewards.png)`;
  return {
    text: told,
    files: {
      'rewards.svg': writePlots(plots, 2),
      'memory.svg': writePlots([memoryPlot]),
      'rewards.png': sheetOf([base.images, ...sheetRows.map((unit) => unit.images)].map(pixelsOf)),
    },
  };
}
