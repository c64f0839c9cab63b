/** @file What figure `picks` found, and its report. */
import { wilsonInterval } from '@/lib/statistics/proportion';
import { intervalText, percent } from '../../text';
import type { Bench } from '../bench';
import { type Effort, studentSettings } from '../desk';
import { type KeptImages, pixelsOf, seedsPoint, seedsText, type Told, table } from '../figure';
import { writePlots } from '../reports/plot';
import { sheetOf } from '../reports/sheet';
import { defective, type Evaluation, winsAgainst } from '../training/evaluation';

export const sides = ['D3PO', 'DRaFT+ on a learned reward'] as const;
export type Side = (typeof sides)[number];

export interface PicksUnit {
  side: Side;
  seed: number;
  /** Picks asked for, and those that decided. */
  picks: number;
  decided: number;
  /** Held-out picks that the learned reward predicted right. */
  heldOut?: { count: number; n: number };
  /** Training alone, with the fit where there is one. */
  trainingSeconds: number;
  effort: Effort;
  evaluation: Evaluation;
  images: KeptImages;
}

interface BaseUnit {
  effort: Effort;
  evaluation: Evaluation;
  images: KeptImages;
}

export interface PicksResult {
  base: BaseUnit;
  /** Drawing the picks' images, once for each seed. */
  drawing: { effort: Effort }[];
  units: PicksUnit[];
}

/** A rate over the images of all seeds, with Wilson's interval, and each seed's. */
function rateText(units: readonly PicksUnit[], count: (evaluation: Evaluation) => number): string {
  const all = units.map(({ evaluation }) => count(evaluation));
  const n = units.reduce((sum, { evaluation }) => sum + evaluation.deformed.length, 0);
  const interval = wilsonInterval({ count: all.reduce((sum, one) => sum + one, 0), n });
  if (!interval) return '–';
  return intervalText(interval);
}

const counted = (flags: readonly boolean[]) => flags.filter(Boolean).length;

/** Markdown, plots and images of the figure. */
export function tellPicks(
  { base, units }: PicksResult,
  { sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>,
): Told {
  const { counts, plan, truncation, klCoefficient } = sizes.picks;
  const of = (side: Side, picks: number) =>
    units.filter((unit) => unit.side === side && unit.picks === picks);
  const baseRate = defective(base.evaluation) / plan.evaluationImages;
  const defects = ({ evaluation }: PicksUnit) =>
    (100 * defective(evaluation)) / evaluation.deformed.length;
  const winning = ({ evaluation }: PicksUnit) =>
    100 * (winsAgainst(evaluation, base.evaluation).interval?.rate ?? 0);
  const measures: { title: string; y: string; read: (unit: PicksUnit) => number }[] = [
    {
      title: 'Images with a defect (judge A)',
      y: 'share of images, %',
      read: defects,
    },
    {
      title: 'Win rate against the base (judge A)',
      y: 'share of comparisons, %',
      read: winning,
    },
    {
      title: 'Training time after the picks',
      y: 'seconds',
      read: ({ trainingSeconds }) => trainingSeconds,
    },
    {
      title: 'Diversity (LPIPS)',
      y: 'mean distance within a prompt',
      read: ({ evaluation }) => evaluation.diversity,
    },
  ];
  const plots = measures.map(({ title, y, read }) => ({
    title,
    x: 'picks',
    y,
    logarithmic: true,
    series: sides.map((side) => ({
      name: side,
      points: counts.map((picks) => seedsPoint(picks, of(side, picks).map(read))),
    })),
  }));
  const rows = counts.flatMap((picks) =>
    sides.map((side) => {
      const own = of(side, picks);
      const wins = own.map(({ evaluation }) => winsAgainst(evaluation, base.evaluation));
      const rate = seedsPoint(
        0,
        wins.map(({ interval }) => interval?.rate ?? 0),
      );
      const ends =
        rate.low === undefined ? '' : ` (${percent(rate.low)} – ${percent(rate.high as number)})`;
      const held = own.flatMap(({ heldOut }) => heldOut ?? []);
      const right = held.reduce((sum, { count }) => sum + count, 0);
      const asked = held.reduce((sum, { n }) => sum + n, 0);
      const mean = (read: (unit: PicksUnit) => number) =>
        own.reduce((sum, unit) => sum + read(unit), 0) / own.length;
      return [
        String(picks),
        side,
        rateText(own, defective),
        rateText(own, ({ deformed }) => counted(deformed)),
        rateText(own, ({ blood }) => counted(blood)),
        `${percent(rate.y)}${ends}`,
        mean(({ evaluation }) => evaluation.diversity / base.evaluation.diversity).toFixed(2),
        asked ? percent(right / asked) : '–',
        mean(({ trainingSeconds }) => trainingSeconds).toFixed(0),
      ];
    }),
  );
  const differences = counts.map((picks) => {
    const between = (read: (unit: PicksUnit) => number) =>
      seedsText(
        of(sides[1], picks).flatMap((unit) => {
          const other = of(sides[0], picks).find(({ seed }) => seed === unit.seed);
          return other ? [read(unit) - read(other)] : [];
        }),
        1,
      );
    return [String(picks), between(defects), between(winning)];
  });
  const last = counts.at(-1) as number;
  const shown = sides.map((side) => of(side, last)[0]).filter((unit) => unit !== undefined);
  const text = `Both sides learn from the same picks of judge B's eyes between two images of the base (${plan.evaluationImages} images measure each
policy; the base has a defect in ${percent(baseRate)} of them). D3PO takes its one pass over the decided picks, as the preset \`hands\` does: ${studentSettings.perStep} to an optimizer step, all drawn by the base. On
the other side a reward is fitted to the same decided picks and followed by DRaFT+ (K ${truncation}, KL ${klCoefficient}, learning rate ${plan.learningRate},
${plan.steps} steps of ${plan.images} images). Rates pool the seeds' images (Wilson, 95 %; training varies between seeds, which these
intervals do not hold); win rates are means over ${seeds.length} seeds with t-intervals.

${table(
  [
    'picks',
    'method',
    'any defect',
    'deformed',
    'blood',
    'win rate against the base',
    'diversity of base',
    'held-out picks right',
    'training, s',
  ],
  rows,
)}

The reward's side less D3PO's, by seed:

${table(['picks', 'any defect, points', 'win rate, points'], differences)}

![Defects, win rate, time and diversity over picks](methods/picks.svg)

The same prompts and seeds after ${last} picks; from above: base, ${shown.map(({ side }) => side).join(', ')}.

![Images of the base and of both methods](methods/picks.png)`;
  return {
    text,
    files: {
      'picks.svg': writePlots(plots, 2),
      'picks.png': sheetOf([base.images, ...shown.map(({ images }) => images)].map(pixelsOf)),
    },
  };
}
