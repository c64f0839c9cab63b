/**
 * @file Figure `hacking`: the reward rises while the judge falls, the alarm rings, and with a KL it
 * does not.
 */
import { type Alarm, signalWords } from '@/lib/judges/alarms';
import { handsJudge } from '@/trainer/hands/judge/declaration';
import { drTune } from '@/trainer/methods/drtune';
import type { RewardGradientMethod } from '@/trainer/methods/rollouts/plan';
import type { Bench } from '../bench';
import { atDesk, type Effort, studentSettings } from '../desk';
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
} from '../figure';
import { openHead, sharedHeads } from '../picks/learned';
import { addPasses, drawingPasses, rolloutPasses, timesPasses } from '../picks/passes';
import { type Series, writePlots } from '../reports/plot';
import { sheetOf } from '../reports/sheet';
import type { Sizes } from '../sizes';
import { alarmsBetween, type Evaluation, evaluate, meanOf } from '../training/evaluation';
import { openRollouts, type TrainingRun, trainAlong } from '../training/follow';

const settings = ['without KL', 'with KL'] as const;
type Setting = (typeof settings)[number];

interface HackingUnit {
  setting: Setting;
  seed: number;
  effort: Effort;
  run: TrainingRun;
  images: KeptImages;
}

export interface HackingResult {
  base: { effort: Effort; evaluation: Evaluation; images: KeptImages };
  units: HackingUnit[];
}

const sheetImages = 10;

function methodOf({ hacking }: Sizes, setting: Setting): RewardGradientMethod {
  const { trainedSteps, earlyStop, klCoefficient: coefficient } = hacking;
  const method = drTune({ trainedSteps, earlyStop });
  return setting === 'with KL' ? { ...method, kl: { coefficient, form: 'noise' } } : method;
}

async function run(bench: Bench): Promise<HackingResult> {
  const { store, sizes, seeds, log } = bench;
  const { plan } = sizes.hacking;
  const { heads } = await sharedHeads(bench);
  const base = await store.unit('base', async () => {
    const { result, effort } = await atDesk(bench, async (desk) =>
      evaluate(desk, undefined, plan.evaluationImages, await openHead(heads.flags, desk)),
    );
    return {
      effort,
      evaluation: result.evaluation,
      images: keepImages(result.images, sheetImages),
    };
  });
  const units: HackingUnit[] = [];
  for (const seed of seeds) {
    for (const setting of settings) {
      const unit = await store.unit(`${setting.replace(' ', '-')}-${seed}`, async () => {
        const { result, effort } = await atDesk(bench, async (desk) => {
          const reward = await openHead(heads.flags, desk);
          const method = methodOf(sizes, setting);
          const stepper = await openRollouts(desk, method, reward, plan, ['hacking', seed]);
          return trainAlong(desk, stepper, reward, plan);
        });
        const images = keepImages(result.images, sheetImages);
        return { setting, seed, effort, run: result.run, images };
      });
      units.push(unit);
      const [rang] = ringing(unit, base.evaluation);
      log(
        `hacking: seed ${seed}, ${setting}: ${rang ? `alarm at step ${rang.step} (${rang.alarms.map(({ signal }) => signal).join(', ')})` : 'no alarm'} (${unit.effort.seconds.toFixed(0)} s)`,
      );
    }
  }
  return { base, units };
}

/** The evaluations at which the alarm rings, in order. */
function ringing({ run: { reached } }: HackingUnit, base: Evaluation) {
  return reached
    .map(({ step, evaluation }) => ({
      step,
      alarms: alarmsBetween(base, evaluation) as Alarm[],
    }))
    .filter(({ alarms }) => alarms.length > 0);
}

function planned({ sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>) {
  const { plan, trainedSteps, earlyStop } = sizes.hacking;
  const { steps, guidance } = studentSettings;
  const evaluation = drawingPasses(plan.evaluationImages, steps, guidance);
  const executed = steps - (earlyStop - 1) / 2;
  const chosen = { executed, trained: Array<number>(trainedSteps).fill(0) };
  const runs = settings.map((setting) =>
    timesPasses(rolloutPasses(methodOf(sizes, setting), chosen, plan.images, guidance), plan.steps),
  );
  const evaluated = timesPasses(evaluation, settings.length * plan.evaluateAt.length);
  return addPasses(evaluation, timesPasses(addPasses(...runs, evaluated), seeds.length));
}

const alignmentOf = ({ alignment }: Evaluation) => meanOf(alignment);
const shareOf = (flags: readonly boolean[]) => flags.filter(Boolean).length / flags.length;

function tell(
  { base, units }: HackingResult,
  { sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>,
): Told {
  const { plan, trainedSteps, earlyStop, klCoefficient } = sizes.hacking;
  const of = (setting: Setting) => units.filter((unit) => unit.setting === setting);
  const first = (unit: HackingUnit) => ringing(unit, base.evaluation)[0];
  const seriesOf = (read: (evaluation: Evaluation) => number): Series[] =>
    settings.map((name) => ({
      name,
      interval: 'band',
      points: [
        { x: 0, y: read(base.evaluation) },
        ...plan.evaluateAt.map((step, i) =>
          seedsPoint(
            step,
            of(name).map(({ run }) => read(run.reached[i]?.evaluation as Evaluation)),
          ),
        ),
      ],
    }));
  const marks = settings.flatMap((setting, series) => {
    const steps = of(setting).flatMap((unit) => first(unit)?.step ?? []);
    return steps.length === 0 ? [] : [{ x: Math.min(...steps), label: 'alarm', series }];
  });
  const plots = [
    { title: 'Reward', y: 'learned reward (logit)', series: seriesOf(rewardOf) },
    {
      title: 'Prompt followed (judge A)',
      y: 'share of attributes shown',
      series: seriesOf(alignmentOf),
    },
    {
      title: 'Diversity',
      y: 'LPIPS within a prompt',
      series: seriesOf(({ diversity }) => diversity),
    },
    {
      title: 'Images with a deformed hand (judge A)',
      y: 'share of images',
      series: seriesOf(({ deformed }) => shareOf(deformed)),
    },
  ].map((plot) => ({ ...plot, x: 'optimizer steps', marks }));
  const rows = units.map((unit) => {
    const all = ringing(unit, base.evaluation);
    const end = unit.run.reached.at(-1)?.evaluation as Evaluation;
    const signals = (alarms: readonly Alarm[]) =>
      alarms
        .map(
          ({ signal, before, after }) =>
            `${signalWords(handsJudge, signal).label} (${before.toFixed(2)} → ${after.toFixed(2)})`,
        )
        .join(', ');
    const last = all.find(({ step }) => step === plan.steps);
    return [
      unit.setting,
      String(unit.seed),
      all[0] ? `step ${all[0].step}: ${signals(all[0].alarms)}` : 'never',
      last ? signals(last.alarms) : 'silent',
      rewardOf(end).toFixed(2),
      alignmentOf(end).toFixed(3),
      end.diversity.toFixed(3),
    ];
  });
  const summary = settings.map((setting) => {
    const ends = of(setting).map(({ run }) => run.reached.at(-1)?.evaluation as Evaluation);
    const rang = of(setting).filter((unit) => first(unit)).length;
    return `${setting}: reward ${seedsText(ends.map(rewardOf), 2)}, alignment ${seedsText(ends.map(alignmentOf))}; the alarm rang in ${rang} of ${ends.length} runs`;
  });
  const shown = units.filter(({ seed }) => seed === seeds[0]);
  const { evaluation: start } = base;
  const text = `The reward says how free of defects an image is, learned from ${sizes.judgements} flags of judge B's eyes; nothing in it asks for what
the prompt says. DRTune (K ${trainedSteps}, early stop ${earlyStop}, learning rate ${plan.learningRate}, ${plan.images} images a step) follows it, once freely and once
with a KL coefficient of ${klCoefficient}. Every ${plan.evaluateAt[0]} steps ${plan.evaluationImages} images are compared with the base's of the same prompts and seeds, as a
round of the app does: the alarm rings where the reward rose and a signal fell, each beyond its 95 % interval, or the
diversity by 15 %. The base has reward ${rewardOf(start).toFixed(2)}, alignment ${alignmentOf(start).toFixed(3)} and diversity ${start.diversity.toFixed(3)}.

${summary.map((line) => `- ${line}`).join('\n')}

${table(['', 'seed', 'first alarm', 'alarm at the end', 'reward', 'alignment', 'diversity'], rows)}

![Reward, judge and diversity over training, with the first alarm](methods/hacking.svg)

The same prompts and seeds at the end; from above: base, ${shown.map(({ setting }) => setting).join(', ')}.

![Images of the base and of both runs](methods/hacking.png)`;
  return {
    text,
    files: {
      'hacking.svg': writePlots(plots, 2),
      'hacking.png': sheetOf([base.images, ...shown.map(({ images }) => images)].map(pixelsOf)),
    },
  };
}

export const hacking: Figure<HackingResult> = {
  title: 'Reward hacking, shown and caught',
  planned,
  run,
  tell,
};
