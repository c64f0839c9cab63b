/**
 * @file Figure `diversity`: reward against diversity for DRaFT, DRaFT+ at several KL coefficients,
 * DDPO and the base; and figure `confirmation`: whether the difference it hints at is there on
 * seeds that had no part in finding it.
 */
import { draftPlus } from '@/trainer/methods/draft-plus';
import type { Bench } from '../bench';
import { atDesk, studentSettings } from '../desk';
import { type Figure, keepImages, rewardOf } from '../figure';
import { tellConfirmation } from '../picks/confirmation-report';
import { openHead, sharedHeads } from '../picks/learned';
import {
  addPasses,
  drawingPasses,
  policyGradientPasses,
  rolloutPasses,
  timesPasses,
} from '../picks/passes';
import type { Sizes } from '../sizes';
import { type Evaluation, evaluate } from '../training/evaluation';
import { openRollouts, trainAlong } from '../training/follow';
import { openDdpo, trainedSteps } from '../training/policy-gradient';
import {
  confirmedSettings,
  type DiversityResult,
  type DiversityUnit,
  type Setting,
  settingsOf,
} from './curves';
import { tellDiversity } from './report';

const sheetImages = 10;
const methodOf = ({ diversity }: Sizes, coefficient: number) =>
  draftPlus({ truncation: diversity.truncation, kl: { coefficient, form: 'noise' } });

async function run(bench: Bench, settings: readonly Setting[]): Promise<DiversityResult> {
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
    for (const { name, coefficient } of settings) {
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

function planned({ sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>, settings: readonly Setting[]) {
  const { plan, truncation, ddpo } = sizes.diversity;
  const { steps, guidance } = studentSettings;
  const evaluation = drawingPasses(plan.evaluationImages, steps, guidance);
  const trained = { executed: steps, trained: Array<number>(truncation).fill(0) };
  const policyGradients = settings.filter(({ coefficient }) => coefficient === null).length;
  const gradient = settings.flatMap(({ coefficient }) =>
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
    timesPasses(
      evaluation,
      gradient.length * plan.evaluateAt.length + policyGradients * ddpo.evaluateAt.length,
    ),
    timesPasses(
      policyGradientPasses(drawn, steps, trainedSteps(steps, ddpo), guidance),
      policyGradients * ddpo.steps,
    ),
  );
  const heads = drawingPasses(2 * sizes.judgements, steps, guidance);
  return addPasses(heads, evaluation, timesPasses(each, seeds.length));
}

export const diversity: Figure<DiversityResult> = {
  title: 'Reward against diversity',
  planned: (bench) => planned(bench, settingsOf(bench.sizes)),
  run: (bench) => run(bench, settingsOf(bench.sizes)),
  tell: tellDiversity,
};

export const confirmation: Figure<DiversityResult> = {
  title: 'Diversity at equal reward, on new seeds',
  planned: (bench) => planned(bench, confirmedSettings(bench.sizes)),
  run: (bench) => run(bench, confirmedSettings(bench.sizes)),
  tell: tellConfirmation,
};
