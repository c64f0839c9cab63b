/** @file Figure `picks`: D3PO against a reward learned from the same picks and followed by DRaFT+. Which pays when? */

import { trainedTimesteps } from '@/lib/settings/run-config';
import { wilsonInterval } from '@/lib/statistics/proportion';
import { Judge } from '@/trainer/hands/judge/judge';
import { draftPlus } from '@/trainer/methods/draft-plus';
import { randomOf } from '@/trainer/rounds/random';
import { collect, type Judged } from '../collect';
import { experiments } from '../experiments';
import { untrained } from '../student';
import { train } from '../train';
import { atDesk, type Bench, type Desk, type Effort, studentSettings } from './bench';
import { defective, type Evaluation, evaluate, winsAgainst } from './evaluation';
import {
  type Figure,
  type KeptImages,
  keepImages,
  percent,
  pixelsOf,
  seedsPoint,
  type Told,
  table,
} from './figure';
import { openRollouts, trainAlong } from './follow';
import { featuresOf, fitReward, openHead, type Said } from './learned';
import { addPasses, drawingPasses, preferencePasses, rolloutPasses, timesPasses } from './passes';
import { writePlots } from './plot';
import { sheetOf } from './sheet';

const sides = ['D3PO', 'DRaFT+ on a learned reward'] as const;
type Side = (typeof sides)[number];

interface PicksUnit {
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

const sheetImages = 10;
const experiment = { ...experiments.picks, training: studentSettings };

/** A seed's picks, block by block, drawn by the base. */
function drawPicks(bench: Bench, seed: number): Promise<{ result: Judged[][]; effort: Effort }> {
  const { counts, block } = bench.sizes.picks;
  const most = counts.at(-1) as number;
  bench.log(`picks: drawing ${most} pairs of seed ${seed}`);
  return atDesk(bench, async (desk) => {
    const eyes = await Judge.open(desk.engine, 'b');
    const adapter = untrained(desk.student, randomOf('picks', seed, 'adapter').gaussian);
    const blocks: Judged[][] = [];
    for (let first = 0; first < most; first += block) {
      const label = ['picks', seed, first] as const;
      const sized = { ...experiment, perRound: block };
      blocks.push((await collect(desk.student, eyes, adapter, sized, label)).judged);
    }
    return blocks;
  });
}

async function followLearned(desk: Desk, bench: Bench, judged: readonly Judged[], seed: number) {
  const images = judged.flatMap((pair) => pair.images);
  const said: Said[] = judged.map(({ comparisons: [found] }, pair) => ({
    first: 2 * pair,
    second: 2 * pair + 1,
    label: Number(found?.winner === 0),
  }));
  const start = performance.now();
  const features = await featuresOf(desk, images);
  const prompts = images.map(({ prompt }) => prompt);
  const head = await fitReward(desk, 'picks', 'picks', features, prompts, said);
  const reward = await openHead(head, desk);
  const { truncation, klCoefficient, plan } = bench.sizes.picks;
  const method = draftPlus({
    truncation,
    kl: { coefficient: klCoefficient, form: 'noise' },
  });
  const label = ['picks', seed, 'follow'];
  const stepper = await openRollouts(desk, method, reward, plan, label);
  const opened = (performance.now() - start) / 1000;
  const trained = await trainAlong(desk, stepper, reward, { ...plan, evaluateAt: [] });
  await stepper.close();
  const training = trained.run.steps.at(-1)?.seconds ?? 0;
  return { adapter: trained.adapter, seconds: opened + training, heldOut: head.heldOut };
}

async function trainOnPicks(desk: Desk, judged: readonly Judged[], seed: number, picks: number) {
  const start = performance.now();
  const untouched = untrained(desk.student, randomOf('picks', seed, 'adapter').gaussian);
  const { adapter } = await train(desk.student, untouched, judged, 2, ['picks', seed, picks]);
  return { adapter, seconds: (performance.now() - start) / 1000, heldOut: undefined };
}

async function run(bench: Bench): Promise<PicksResult> {
  const { store, sizes, seeds, log } = bench;
  const { counts, block, plan } = sizes.picks;
  const base = await store.unit('base', async () => {
    const { result, effort } = await atDesk(bench, (desk) =>
      evaluate(desk, undefined, plan.evaluationImages),
    );
    return {
      effort,
      evaluation: result.evaluation,
      images: keepImages(result.images, sheetImages),
    };
  });
  const units: PicksUnit[] = [];
  const drawing: PicksResult['drawing'] = [];
  for (const seed of seeds) {
    // Trajectories are large: they stay in memory, and are drawn again where a stopped suite goes on.
    let kept: ReturnType<typeof drawPicks> | undefined;
    const drawn = () => {
      kept ??= drawPicks(bench, seed);
      return kept;
    };
    drawing.push(
      await store.unit(`drawing-${seed}`, async () => ({ effort: (await drawn()).effort })),
    );
    for (const picks of counts) {
      for (const side of sides) {
        const name = `${side === 'D3PO' ? 'd3po' : 'draft-plus'}-${picks}-${seed}`;
        const unit = await store.unit(name, async (): Promise<PicksUnit> => {
          const { result: blocks } = await drawn();
          const judged = blocks.slice(0, picks / block).flat();
          const { result, effort } = await atDesk(bench, async (desk) => {
            const trained =
              side === 'D3PO'
                ? await trainOnPicks(desk, judged, seed, picks)
                : await followLearned(desk, bench, judged, seed);
            return {
              ...trained,
              ...(await evaluate(desk, trained.adapter, plan.evaluationImages)),
            };
          });
          return {
            side,
            seed,
            picks,
            decided: judged.length,
            ...(result.heldOut && { heldOut: result.heldOut }),
            trainingSeconds: result.seconds,
            effort,
            evaluation: result.evaluation,
            images: keepImages(result.images, sheetImages),
          };
        });
        units.push(unit);
        log(
          `picks: seed ${seed}, ${picks} picks, ${side}: defects ${percent(defective(unit.evaluation) / plan.evaluationImages)} (${unit.effort.seconds.toFixed(0)} s)`,
        );
      }
    }
  }
  return { base, drawing, units };
}

function planned({ sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>) {
  const { counts, truncation, klCoefficient, plan } = sizes.picks;
  const { steps, guidance, noisiestShare } = studentSettings;
  const evaluation = drawingPasses(plan.evaluationImages, steps, guidance);
  const trained = { executed: steps, trained: Array<number>(truncation).fill(0) };
  const kl = { coefficient: klCoefficient, form: 'noise' } as const;
  const follow = timesPasses(rolloutPasses({ kl }, trained, plan.images, guidance), plan.steps);
  const [, trainedSteps] = trainedTimesteps({
    training: { noisiestShare, timestepFraction: studentSettings.timestepFraction },
    sampling: { inferenceSteps: steps },
  });
  const each = addPasses(
    drawingPasses(2 * (counts.at(-1) as number), steps, guidance),
    ...counts.flatMap((picks) => [
      preferencePasses(picks, trainedSteps, guidance),
      follow,
      evaluation,
      evaluation,
    ]),
  );
  return addPasses(evaluation, timesPasses(each, seeds.length));
}

/** A rate over the images of all seeds, with Wilson's interval, and each seed's. */
function rateText(units: readonly PicksUnit[], count: (evaluation: Evaluation) => number): string {
  const all = units.map(({ evaluation }) => count(evaluation));
  const n = units.reduce((sum, { evaluation }) => sum + evaluation.deformed.length, 0);
  const interval = wilsonInterval({ count: all.reduce((sum, one) => sum + one, 0), n });
  if (!interval) return '–';
  return `${percent(interval.rate)} (${percent(interval.low)} – ${percent(interval.high)})`;
}

const counted = (flags: readonly boolean[]) => flags.filter(Boolean).length;

function tell(
  { base, units }: PicksResult,
  { sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>,
): Told {
  const { counts, plan, truncation, klCoefficient } = sizes.picks;
  const of = (side: Side, picks: number) =>
    units.filter((unit) => unit.side === side && unit.picks === picks);
  const baseRate = defective(base.evaluation) / plan.evaluationImages;
  const measures: { title: string; y: string; read: (unit: PicksUnit) => number }[] = [
    {
      title: 'Images with a defect (judge A)',
      y: 'share of images, %',
      read: ({ evaluation }) => (100 * defective(evaluation)) / evaluation.deformed.length,
    },
    {
      title: 'Win rate against the base (judge A)',
      y: 'share of comparisons, %',
      read: ({ evaluation }) =>
        100 * (winsAgainst(evaluation, base.evaluation).interval?.rate ?? 0),
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
  const last = counts.at(-1) as number;
  const shown = sides.map((side) => of(side, last)[0]).filter((unit) => unit !== undefined);
  const text = `Both sides learn from the same picks of judge B's eyes between two images of the base (${plan.evaluationImages} images measure each
policy; the base has a defect in ${percent(baseRate)} of them). D3PO takes its one pass over the decided picks, as the preset \`hands\` does. On
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

export const picks: Figure<PicksResult> = {
  title: 'D3PO against a reward learned from the same picks',
  planned,
  run,
  tell,
};
