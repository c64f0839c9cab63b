/**
 * @file The report of figure `diversity`: what was done, two tables, four plots and a sheet of
 * images.
 */
import type { Bench } from '../bench';
import { pixelsOf, rewardOf, seedsPoint, seedsText, type Told, table } from '../figure';
import { type Plot, writePlots } from '../reports/plot';
import { sheetOf } from '../reports/sheet';
import type { Sizes } from '../sizes';
import { meanOf } from '../training/evaluation';
import {
  alignmentOf,
  along,
  alongTheWay,
  type DiversityResult,
  type DiversityUnit,
  diversityOf,
  endOf,
  gainsOf,
  isKnown,
  type Read,
  reachedBy,
  type Setting,
  settingsOf,
  unitsOf,
} from './curves';

export function tellDiversity(
  result: DiversityResult,
  { sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>,
): Told {
  const settings = settingsOf(sizes);
  const { base } = result;
  const shown = settings.flatMap((setting) =>
    unitsOf(result, setting).filter(({ seed }) => seed === seeds[0]),
  );
  const text = `${tellWork(result, sizes)}

${equalReward}

${tellEnds(result, settings)}

The same difference in diversity evaluation by evaluation, and the reward at which DRaFT is met. Of so many 95 % intervals
one in twenty leaves 0 out by chance; [the confirmation](methods-confirmation.md) asks one question of seeds that had no part in this:

${tellGains(result, settings, sizes)}

![Diversity and alignment against reward, and both over training](methods/diversity.svg)

The same prompts and seeds at the end of training; from above: base, ${shown.map(({ setting }) => setting).join(', ')}.

![Images of the base and every setting](methods/diversity.png)`;
  return {
    text,
    files: {
      'diversity.svg': writePlots(plotsOf(result, settings), 2),
      'diversity.png': sheetOf([base.images, ...shown.map(({ images }) => images)].map(pixelsOf)),
    },
  };
}

/** What a difference at equal reward is. */
export const equalReward = `At equal reward: what a run has in diversity (and alignment, judge A), less what DRaFT of the same seed had when its curve,
linear between evaluations, first reached the same reward; at each evaluation within DRaFT's reach, averaged over them.`;

function tellWork({ base, learned: { heldOut } }: DiversityResult, sizes: Sizes): string {
  const { plan, truncation, ddpo } = sizes.diversity;
  const { evaluation: start } = base;
  return `The reward is learned from ${sizes.judgements} picks of judge B's eyes (${heldOut.count} of ${heldOut.n} held-out picks predicted right); its scores are logits.
DRaFT and DRaFT+ train K = ${truncation}, learning rate ${plan.learningRate}, ${plan.steps} steps of ${plan.images} images; the KL is the mean squared difference
of guided predictions from the base's. DDPO: learning rate ${ddpo.learningRate}, clip ${ddpo.clipRange}, ${ddpo.steps} draws of ${ddpo.images * ddpo.updates} images with ${ddpo.updates} updates each on the
noisiest ${100 * ddpo.noisiestShare} % of the steps. Each point is ${plan.evaluationImages} images; the base has reward ${rewardOf(start).toFixed(2)}, diversity ${start.diversity.toFixed(3)} and alignment ${meanOf(start.alignment).toFixed(3)}.`;
}

/** Each setting at the end of training, and over DRaFT on the way. */
function tellEnds(result: DiversityResult, settings: readonly Setting[]): string {
  const head = [
    'setting',
    'reward at the end',
    'diversity',
    'alignment',
    'diversity over DRaFT at equal reward',
    'alignment over DRaFT at equal reward',
    'training, s',
  ];
  const rows = settings.map((setting) => {
    const own = unitsOf(result, setting);
    const ends = own.map(endOf);
    return [
      setting.name,
      seedsText(ends.map(rewardOf), 2),
      seedsText(ends.map(diversityOf)),
      seedsText(ends.map(alignmentOf)),
      ...(setting.coefficient === 0
        ? ['–', '–']
        : [diversityOf, alignmentOf].map((read) =>
            seedsText(alongTheWay(gainsOf(result, setting, read)).filter(isKnown)),
          )),
      meanOf(own.map(({ run }) => run.reached.at(-1)?.seconds ?? 0)).toFixed(0),
    ];
  });
  return table(head, rows);
}

/** Diversity over DRaFT at each evaluation of DRaFT+. */
export function tellGains(
  result: DiversityResult,
  settings: readonly Setting[],
  { diversity: { plan } }: Sizes,
): string {
  const rows = settings
    .filter(({ coefficient }) => coefficient)
    .map((setting) => {
      const gains = gainsOf(result, setting, diversityOf);
      const reached = unitsOf(result, setting).map(reachedBy);
      const cells = plan.evaluateAt.map((_, i) => {
        const known = gains.flatMap((ofRun) => ofRun[i] ?? []);
        const reward = meanOf(reached.map((ofRun) => rewardOf(ofRun[i]!)));
        return known.length > 0 ? `${seedsText(known)} at ${reward.toFixed(2)}` : '–';
      });
      return [setting.name, ...cells];
    });
  return table(['setting', ...plan.evaluateAt.map((step) => `step ${step}`)], rows);
}

function plotsOf(result: DiversityResult, settings: readonly Setting[]): Plot[] {
  const base = result.base.evaluation;
  /** A line per setting, with a band of its seeds. */
  const series = (read: Read, x: (unit: DiversityUnit) => number[]) =>
    settings.map((setting) => {
      const own = unitsOf(result, setting);
      const xs = own.map(x);
      return {
        name: setting.name,
        interval: 'band' as const,
        points: (xs[0] ?? []).map((_, i) =>
          seedsPoint(
            meanOf(xs.map((values) => values[i]!)),
            own.map((unit) => read(along(unit, base)[i]!)),
          ),
        ),
      };
    });
  const rewards = (unit: DiversityUnit) => along(unit, base).map(rewardOf);
  const evaluations = ({ run }: DiversityUnit) => [
    0,
    ...run.reached.map(({ passes }) => passes.forward + passes.backward),
  ];
  return [
    {
      title: 'Diversity against reward, over training',
      x: 'learned reward (logit)',
      y: 'LPIPS within a prompt',
      series: series(diversityOf, rewards),
    },
    {
      title: 'Prompt followed (judge A) against reward',
      x: 'learned reward (logit)',
      y: 'share of attributes shown',
      series: series(alignmentOf, rewards),
    },
    {
      title: 'Reward over training',
      x: 'UNet evaluations',
      y: 'learned reward (logit)',
      series: series(rewardOf, evaluations),
    },
    {
      title: 'Diversity over training',
      x: 'UNet evaluations',
      y: 'LPIPS within a prompt',
      series: series(diversityOf, evaluations),
    },
  ];
}
