/** @file What figure `diversity` found, and its report. */
import type { Bench, Effort } from './bench';
import { type CurvePoint, firstAt } from './curve';
import { type Evaluation, meanOf } from './evaluation';
import {
  type KeptImages,
  pixelsOf,
  rewardOf,
  seedsPoint,
  seedsText,
  type Told,
  table,
} from './figure';
import type { TrainingRun } from './follow';
import { writePlots } from './plot';
import { sheetOf } from './sheet';
import type { Sizes } from './sizes';

export interface DiversityUnit {
  setting: string;
  seed: number;
  effort: Effort;
  run: TrainingRun;
  images: KeptImages;
}

export interface DiversityResult {
  base: { effort: Effort; evaluation: Evaluation; images: KeptImages };
  /** The learned rewards' making, and the held-out picks that this figure's predicted right. */
  learned: { effort: Effort; heldOut: { count: number; n: number } };
  units: DiversityUnit[];
}

const free = 'DRaFT';
const policyGradient = 'DDPO';

/** What is compared, and each one's KL coefficient; null for what has none. */
export const settingsOf = ({
  diversity,
}: Sizes): { name: string; coefficient: number | null }[] => [
  { name: free, coefficient: 0 },
  ...diversity.klCoefficients.map((coefficient) => ({
    name: `DRaFT+ KL ${coefficient}`,
    coefficient,
  })),
  { name: policyGradient, coefficient: null },
];

/** Evaluations of a run from the base on. */
const along = ({ run }: DiversityUnit, base: Evaluation): Evaluation[] => [
  base,
  ...run.reached.map(({ evaluation }) => evaluation),
];

/** Diversity over reward. */
const curveOf = (unit: DiversityUnit, base: Evaluation): CurvePoint[] =>
  along(unit, base).map((evaluation) => ({ x: rewardOf(evaluation), y: evaluation.diversity }));

/** Diversity gained over DRaFT of the same seed, where DRaFT first has the reward that this run ended with. */
export function gainAtEqualReward(
  own: readonly CurvePoint[],
  freeCurve: readonly CurvePoint[],
): number | null {
  const end = own.at(-1);
  const there = end && firstAt(freeCurve, end.x);
  return end && there !== null && there !== undefined ? end.y - there : null;
}

/** Markdown, plots and images of the figure. */
export function tellDiversity(
  { base, units, learned: { heldOut } }: DiversityResult,
  { sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>,
): Told {
  const { plan, truncation, ddpo } = sizes.diversity;
  const settings = settingsOf(sizes);
  const of = (name: string) => units.filter(({ setting }) => setting === name);
  const freeOf = (seed: number) =>
    units.find((unit) => unit.setting === free && unit.seed === seed) as DiversityUnit;
  const rows = settings.map(({ name }) => {
    const own = of(name);
    const ends = own.map(({ run }) => run.reached.at(-1)?.evaluation as Evaluation);
    const gains = own.flatMap(
      (unit) =>
        gainAtEqualReward(
          curveOf(unit, base.evaluation),
          curveOf(freeOf(unit.seed), base.evaluation),
        ) ?? [],
    );
    return [
      name,
      seedsText(ends.map(rewardOf), 2),
      seedsText(ends.map(({ diversity: value }) => value)),
      name === free ? '–' : seedsText(gains),
      name === free ? '–' : `${gains.length} of ${own.length}`,
      seedsText(ends.map(({ alignment }) => meanOf(alignment))),
      meanOf(own.map(({ run }) => run.reached.at(-1)?.seconds ?? 0)).toFixed(0),
    ];
  });
  const series = (read: (evaluation: Evaluation) => number, x: (unit: DiversityUnit) => number[]) =>
    settings.map(({ name }) => {
      const own = of(name);
      const xs = own.map(x);
      return {
        name,
        interval: 'band' as const,
        points: (xs[0] ?? []).map((_, i) =>
          seedsPoint(
            meanOf(xs.map((values) => values[i] as number)),
            own.map((unit) => read(along(unit, base.evaluation)[i] as Evaluation)),
          ),
        ),
      };
    });
  const evaluationsOf = ({ run }: DiversityUnit) => [
    0,
    ...run.reached.map(({ passes }) => passes.forward + passes.backward),
  ];
  const rewardsOf = (unit: DiversityUnit) => along(unit, base.evaluation).map(rewardOf);
  const plots = [
    {
      title: 'Diversity against reward, over training',
      x: 'learned reward (logit)',
      y: 'LPIPS within a prompt',
      series: series(({ diversity: value }) => value, rewardsOf),
    },
    {
      title: 'Prompt followed (judge A) against reward',
      x: 'learned reward (logit)',
      y: 'share of attributes shown',
      series: series(({ alignment }) => meanOf(alignment), rewardsOf),
    },
    {
      title: 'Reward over training',
      x: 'UNet evaluations',
      y: 'learned reward (logit)',
      series: series(rewardOf, evaluationsOf),
    },
    {
      title: 'Diversity over training',
      x: 'UNet evaluations',
      y: 'LPIPS within a prompt',
      series: series(({ diversity: value }) => value, evaluationsOf),
    },
  ];
  const first = seeds[0] as number;
  const shown = settings.flatMap(({ name }) => of(name).filter(({ seed }) => seed === first));
  const { evaluation: start } = base;
  const text = `The reward is learned from ${sizes.judgements} picks of judge B's eyes (${heldOut.count} of ${heldOut.n} held-out picks predicted right); its scores are logits.
DRaFT and DRaFT+ train K = ${truncation}, learning rate ${plan.learningRate}, ${plan.steps} steps of ${plan.images} images; the KL is the mean squared difference
of guided predictions from the base's. DDPO: learning rate ${ddpo.learningRate}, clip ${ddpo.clipRange}, ${ddpo.steps} draws of ${ddpo.images * ddpo.updates} images with ${ddpo.updates} updates each on the
noisiest ${100 * ddpo.noisiestShare} % of the steps. Each point is ${plan.evaluationImages} images; the base has reward ${rewardOf(start).toFixed(2)}, diversity ${start.diversity.toFixed(3)} and alignment ${meanOf(start.alignment).toFixed(3)}.

At equal reward: what a run has in diversity at its end, less what DRaFT of the same seed had when its curve, linear
between evaluations, first reached that reward; beside it, how many runs ended within DRaFT's reach.

${table(['setting', 'reward at the end', 'diversity at the end', 'diversity over DRaFT at equal reward', 'compared', 'alignment at the end (judge A)', 'training, s'], rows)}

![Diversity and alignment against reward, and both over training](methods/diversity.svg)

The same prompts and seeds at the end of training; from above: base, ${shown.map(({ setting }) => setting).join(', ')}.

![Images of the base and every setting](methods/diversity.png)`;
  return {
    text,
    files: {
      'diversity.svg': writePlots(plots, 2),
      'diversity.png': sheetOf([base.images, ...shown.map(({ images }) => images)].map(pixelsOf)),
    },
  };
}
