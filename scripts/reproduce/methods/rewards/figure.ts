/**
 * @file Figure `rewards`: DRTune against DRaFT-1, DRaFT-K, AlignProp and ReFL on many rewards, and
 * memory against K.
 */
import type { Reward } from '@/trainer/rewards/reward';
import { scoresOf } from '@/trainer/rounds/rewards/score-images';
import type { Bench } from '../bench';
import { atDesk, type Desk, studentSettings } from '../desk';
import { type Figure, keepImages } from '../figure';
import { openHead, type SharedHeads, sharedHeads } from '../picks/learned';
import { addPasses, drawingPasses, type Passes, rolloutPasses, timesPasses } from '../picks/passes';
import { evaluate } from '../training/evaluation';
import { openRollouts, type StepSeen, trainAlong } from '../training/follow';
import { averagePasses, contenders, formulas, rewardNames, stepsOf } from './contenders';
import { measureMemory, memoryImages } from './memory';
import { gainOf, type RewardsResult, type RewardUnit, tellRewards } from './report';

const sheetImages = 10;

async function openNamed(name: string, heads: SharedHeads['heads'], desk: Desk): Promise<Reward> {
  const found = formulas[name];
  return found ?? openHead(heads[name as keyof SharedHeads['heads']], desk);
}

async function run(bench: Bench): Promise<RewardsResult> {
  const { store, sizes, seeds, log } = bench;
  const { images, learningRate, evaluationImages, count } = sizes.rewards;
  const { heads } = await sharedHeads(bench);
  const names = rewardNames.slice(0, count);
  const base = await store.unit('base', async () => {
    const { result, effort } = await atDesk(bench, async (desk) => {
      const drawn = (await evaluate(desk, undefined, evaluationImages)).images;
      const scores: Record<string, number[]> = {};
      for (const name of names) {
        const reward = await openNamed(name, heads, desk);
        scores[name] = [...(await scoresOf(desk.engine, reward, drawn))];
      }
      return { scores, images: keepImages(drawn, sheetImages) };
    });
    return { ...result, effort };
  });
  const units: RewardUnit[] = [];
  for (const seed of seeds) {
    for (const name of names) {
      for (const [method, contender] of Object.entries(contenders(sizes))) {
        const unit = await store.unit(`${name}-${method}-${seed}`, async () => {
          const steps = stepsOf(sizes, contender);
          const { result, effort } = await atDesk(bench, async (desk) => {
            const reward = await openNamed(name, heads, desk);
            const plan = { images, learningRate };
            const stepper = await openRollouts(desk, contender.method, reward, plan, [name, seed]);
            const evaluateAt = [steps / 2, steps];
            return trainAlong(desk, stepper, reward, { steps, evaluateAt, evaluationImages });
          });
          const reached = result.run.reached.map(({ evaluation, ...rest }) => ({
            ...rest,
            scores: evaluation.reward,
            diversity: evaluation.diversity,
          }));
          const kept = keepImages(result.images, sheetImages);
          const [first, last] = [result.run.steps[0], result.run.steps.at(-1)] as [
            StepSeen,
            StepSeen,
          ];
          const secondsPerStep = (last.seconds - first.seconds) / (last.step - first.step);
          return { method, reward: name, seed, effort, secondsPerStep, reached, images: kept };
        });
        units.push(unit);
        log(
          `rewards: seed ${seed}, ${name}, ${method}: ${gainOf(unit, base.scores).toFixed(2)} deviations (${unit.effort.seconds.toFixed(0)} s)`,
        );
      }
    }
  }
  return { base, units, memory: await measureMemory(bench) };
}

function planned({ sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>): Passes {
  const { images, evaluationImages, count, memory } = sizes.rewards;
  const { steps, guidance } = studentSettings;
  const evaluation = drawingPasses(evaluationImages, steps, guidance);
  const each = Object.values(contenders(sizes)).map((contender) => {
    const step = averagePasses(contender, images);
    return addPasses(timesPasses(step, stepsOf(sizes, contender)), timesPasses(evaluation, 2));
  });
  const remembered = memory.map((k) => {
    const chosen = { executed: steps, trained: { length: k } as number[] };
    return timesPasses(rolloutPasses({}, chosen, memoryImages, guidance), 2);
  });
  return addPasses(
    evaluation,
    ...remembered,
    timesPasses(addPasses(...each), seeds.length * Math.min(count, rewardNames.length)),
  );
}

export const rewards: Figure<RewardsResult> = {
  title: 'Reward-gradient methods on many rewards',
  planned,
  run,
  tell: tellRewards,
};
