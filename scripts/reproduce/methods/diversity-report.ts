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

const diversityOf = ({ diversity: value }: Evaluation) => value;
const alignmentOf = ({ alignment }: Evaluation) => meanOf(alignment);

/** Something measured over reward. */
const curveOf = (
  unit: DiversityUnit,
  base: Evaluation,
  read: (evaluation: Evaluation) => number,
): CurvePoint[] =>
  along(unit, base).map((evaluation) => ({ x: rewardOf(evaluation), y: read(evaluation) }));

/**
 * What a run has over DRaFT of the same seed at each of its evaluations, where DRaFT first has the reward that the run had
 * there. From the first evaluation after the base to the last; null where DRaFT never got so far.
 */
export function gainsAtEqualReward(
  own: readonly CurvePoint[],
  freeCurve: readonly CurvePoint[],
): (number | null)[] {
  return own.slice(1).map(({ x, y }) => {
    const there = firstAt(freeCurve, x);
    return there === null ? null : y - there;
  });
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
  /** Of each run, evaluation by evaluation. */
  const gainsOf = (name: string, read: (evaluation: Evaluation) => number) =>
    of(name).map((unit) =>
      gainsAtEqualReward(
        curveOf(unit, base.evaluation, read),
        curveOf(freeOf(unit.seed), base.evaluation, read),
      ),
    );
  /** Mean over a run's evaluations, as far as DRaFT got. */
  const alongTheWay = (gains: readonly (number | null)[][]) =>
    gains.flatMap((ofRun) => {
      const known = ofRun.filter((gain) => gain !== null);
      return known.length > 0 ? [meanOf(known)] : [];
    });
  const rows = settings.map(({ name }) => {
    const own = of(name);
    const ends = own.map(({ run }) => run.reached.at(-1)?.evaluation as Evaluation);
    return [
      name,
      seedsText(ends.map(rewardOf), 2),
      seedsText(ends.map(diversityOf)),
      seedsText(ends.map(alignmentOf)),
      ...(name === free
        ? ['–', '–']
        : [diversityOf, alignmentOf].map((read) => seedsText(alongTheWay(gainsOf(name, read))))),
      meanOf(own.map(({ run }) => run.reached.at(-1)?.seconds ?? 0)).toFixed(0),
    ];
  });
  const gainRows = settings
    .filter(({ coefficient }) => coefficient)
    .map(({ name }) => {
      const gains = gainsOf(name, diversityOf);
      return [
        name,
        ...plan.evaluateAt.map((_, i) => {
          const known = gains.flatMap((ofRun) => ofRun[i] ?? []);
          const reward = meanOf(
            of(name).map(({ run }) => rewardOf(run.reached[i]?.evaluation as Evaluation)),
          ).toFixed(2);
          return known.length > 0 ? `${seedsText(known)} at ${reward}` : '–';
        }),
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
      series: series(diversityOf, rewardsOf),
    },
    {
      title: 'Prompt followed (judge A) against reward',
      x: 'learned reward (logit)',
      y: 'share of attributes shown',
      series: series(alignmentOf, rewardsOf),
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
      series: series(diversityOf, evaluationsOf),
    },
  ];
  const first = seeds[0] as number;
  const shown = settings.flatMap(({ name }) => of(name).filter(({ seed }) => seed === first));
  const { evaluation: start } = base;
  const text = `The reward is learned from ${sizes.judgements} picks of judge B's eyes (${heldOut.count} of ${heldOut.n} held-out picks predicted right); its scores are logits.
DRaFT and DRaFT+ train K = ${truncation}, learning rate ${plan.learningRate}, ${plan.steps} steps of ${plan.images} images; the KL is the mean squared difference
of guided predictions from the base's. DDPO: learning rate ${ddpo.learningRate}, clip ${ddpo.clipRange}, ${ddpo.steps} draws of ${ddpo.images * ddpo.updates} images with ${ddpo.updates} updates each on the
noisiest ${100 * ddpo.noisiestShare} % of the steps. Each point is ${plan.evaluationImages} images; the base has reward ${rewardOf(start).toFixed(2)}, diversity ${start.diversity.toFixed(3)} and alignment ${meanOf(start.alignment).toFixed(3)}.

At equal reward: what a run has in diversity (and alignment, judge A), less what DRaFT of the same seed had when its curve,
linear between evaluations, first reached the same reward; at each evaluation within DRaFT's reach, averaged over them.

${table(['setting', 'reward at the end', 'diversity', 'alignment', 'diversity over DRaFT at equal reward', 'alignment over DRaFT at equal reward', 'training, s'], rows)}

The same difference in diversity evaluation by evaluation, and the reward at which DRaFT is met. Of so many 95 % intervals
one in twenty leaves 0 out by chance:

${table(['setting', ...plan.evaluateAt.map((step) => `step ${step}`)], gainRows)}

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
