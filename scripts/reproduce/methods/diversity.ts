/** @file Figure `diversity`: reward against diversity for DRaFT, DRaFT+ at several KL coefficients, DDPO and the base. */
import { draftPlus } from '@/trainer/methods/draft-plus';
import { atDesk, type Bench, type Effort, studentSettings } from './bench';
import { type CurvePoint, firstAt } from './curve';
import { type Evaluation, evaluate, meanOf } from './evaluation';
import {
  type Figure,
  type KeptImages,
  keepImages,
  pixelsOf,
  rewardOf,
  seedsPoint,
  seedsText,
  type Told,
  table,
} from './figure';
import { openRollouts, type TrainingRun, trainAlong } from './follow';
import { openHead, sharedHeads } from './learned';
import {
  addPasses,
  drawingPasses,
  policyGradientPasses,
  rolloutPasses,
  timesPasses,
} from './passes';
import { writePlots } from './plot';
import { openDdpo, trainedSteps } from './policy-gradient';
import { sheetOf } from './sheet';
import type { Sizes } from './sizes';

interface DiversityUnit {
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

const sheetImages = 10;
const free = 'DRaFT';
const policyGradient = 'DDPO';

const settingsOf = ({ diversity }: Sizes): { name: string; coefficient: number | null }[] => [
  { name: free, coefficient: 0 },
  ...diversity.klCoefficients.map((coefficient) => ({
    name: `DRaFT+ KL ${coefficient}`,
    coefficient,
  })),
  { name: policyGradient, coefficient: null },
];

const methodOf = ({ diversity }: Sizes, coefficient: number) =>
  draftPlus({ truncation: diversity.truncation, kl: { coefficient, form: 'noise' } });

async function run(bench: Bench): Promise<DiversityResult> {
  const { store, sizes, seeds, log } = bench;
  const { plan, ddpo } = sizes.diversity;
  const {
    heads: { picks: head },
    effort: learning,
  } = await sharedHeads(bench);
  const base = await store.unit('base', async () => {
    const { result, effort } = await atDesk(bench, async (desk) =>
      evaluate(desk, undefined, plan.evaluationImages, await openHead(head, desk)),
    );
    return {
      effort,
      evaluation: result.evaluation,
      images: keepImages(result.images, sheetImages),
    };
  });
  const units: DiversityUnit[] = [];
  for (const seed of seeds) {
    for (const { name, coefficient } of settingsOf(sizes)) {
      const unit = await store.unit(`${fileName(name)}-${seed}`, async () => {
        const { result, effort } = await atDesk(bench, async (desk) => {
          const reward = await openHead(head, desk);
          const label = ['diversity', seed];
          if (coefficient === null) {
            const stepper = await openDdpo(desk, reward, ddpo, label);
            const { evaluationImages } = plan;
            return trainAlong(desk, stepper, reward, { ...ddpo, evaluationImages });
          }
          const method = methodOf(sizes, coefficient);
          const stepper = await openRollouts(desk, method, reward, plan, label);
          return trainAlong(desk, stepper, reward, plan);
        });
        const images = keepImages(result.images, sheetImages);
        return { setting: name, seed, effort, run: result.run, images };
      });
      units.push(unit);
      const last = unit.run.reached.at(-1)?.evaluation as Evaluation;
      log(
        `diversity: seed ${seed}, ${name}: reward ${rewardOf(last).toFixed(2)}, diversity ${last.diversity.toFixed(3)} (${unit.effort.seconds.toFixed(0)} s)`,
      );
    }
  }
  return { base, learned: { effort: learning, heldOut: head.heldOut }, units };
}

const fileName = (name: string) => name.toLowerCase().replaceAll('+', '-plus').replaceAll(' ', '-');

function planned({ sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>) {
  const { plan, truncation, ddpo } = sizes.diversity;
  const { steps, guidance } = studentSettings;
  const evaluation = drawingPasses(plan.evaluationImages, steps, guidance);
  const trained = { executed: steps, trained: Array<number>(truncation).fill(0) };
  const gradient = settingsOf(sizes).flatMap(({ coefficient }) =>
    coefficient === null
      ? []
      : [
          timesPasses(
            rolloutPasses(methodOf(sizes, coefficient), trained, plan.images, guidance),
            plan.steps,
          ),
        ],
  );
  const drawn = ddpo.images * ddpo.updates;
  const each = addPasses(
    ...gradient,
    timesPasses(evaluation, gradient.length * plan.evaluateAt.length + ddpo.evaluateAt.length),
    timesPasses(
      policyGradientPasses(drawn, steps, trainedSteps(steps, ddpo), guidance),
      ddpo.steps,
    ),
  );
  const heads = drawingPasses(2 * sizes.judgements, steps, guidance);
  return addPasses(heads, evaluation, timesPasses(each, seeds.length));
}

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

function tell(
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

export const diversity: Figure<DiversityResult> = {
  title: 'Reward against diversity',
  planned,
  run,
  tell,
};
