/** @file A round trained by the gradient of a reward: no answers, only prompts, seeds and what the reward says. */
import type { Method } from '@/lib/methods';
import type { RunConfig } from '@/lib/settings/run-config';
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import { alignProp } from '@/trainer/methods/alignprop';
import { draft } from '@/trainer/methods/draft';
import { draftLv } from '@/trainer/methods/draft-lv';
import { draftPlus } from '@/trainer/methods/draft-plus';
import { drTune } from '@/trainer/methods/drtune';
import { refl } from '@/trainer/methods/refl';
import type { RewardGradientMethod } from '@/trainer/methods/rollouts/plan';
import {
  type RolloutBatch,
  type RolloutReport,
  RolloutTrainer,
} from '@/trainer/methods/rollouts/rollout-trainer';
import { randomOf } from '../../draw/random';
import type { PolicyModel } from '../../pipelines/resolve';
import type { StepMetrics, Training, TrainingContext } from '../training';
import { loggedParts, openDrawnTraining } from './open';

/** Methods that follow the gradient of a reward, as a run's settings make them. */
const methods: Partial<Record<Method, (config: RunConfig) => RewardGradientMethod>> = {
  draft: (config) => draft(config.draft),
  'draft-lv': (config) => draftLv(config['draft-lv']),
  'draft-plus': (config) => {
    const { truncation, klCoefficient, klForm } = config['draft-plus'];
    return draftPlus({ truncation, kl: { coefficient: klCoefficient, form: klForm } });
  },
  drtune: (config) => drTune(config.drtune),
  refl: (config) => refl(config.refl),
  alignprop: (config) => alignProp(config.alignprop),
};

/** Opens a reward-gradient method on a round. */
export async function openRolloutTraining(context: TrainingContext): Promise<Training> {
  const { engine, round, start, method } = context;
  const { config } = round;
  const make = methods[method];
  if (!make) throw new Error(`The method ${method} follows no reward.`);
  const { imagesPerStep, optimiserSteps } = config.reward;
  const { reward, ...drawn } = await openDrawnTraining(context, {
    draws: optimiserSteps,
    imagesPerDraw: imagesPerStep,
    together: imagesPerStep,
  });
  const trainer = await RolloutTrainer.open(engine, {
    ...drawn.options,
    method: make(config),
    reward,
    ...referenceOf(method, config, start),
  });
  return drawn.training(trainer, async (index) => {
    const batches: RolloutBatch[] = [];
    for (const origin of await drawn.originsOf(index)) {
      batches.push({ ...origin, rewardFeeds: await reward.feeds(origin.prompts) });
    }
    const random = randomOf(...drawn.label, 'plan', index);
    const { reports, gradNorm } = await trainer.step(batches, () => random.next());
    return metricsOf(reports, gradNorm);
  });
}

/** DRaFT+ may be held to the policy that the round started from; a base policy is its own reference. */
function referenceOf(method: Method, config: RunConfig, { weights }: PolicyModel) {
  if (method !== 'draft-plus' || config[method].referencePolicy === 'base' || !weights) return {};
  return { reference: new Map(weights.tensors) as Adapter };
}

function metricsOf(reports: readonly RolloutReport[], gradNorm: number): StepMetrics {
  const mean = (read: (report: RolloutReport) => number) =>
    reports.reduce((sum, report) => sum + read(report), 0) / reports.length;
  const reward = mean(({ rewards: own }) => own.reduce((sum, r) => sum + r, 0) / own.length);
  const names = Object.keys(reports[0]?.rewardParts ?? {});
  const rewardParts = Object.fromEntries(
    names.map((name) => [name, mean(({ rewardParts: own }) => own[name] as number)]),
  );
  return {
    mean: {
      loss: mean(({ loss }) => loss),
      reward,
      ...loggedParts(rewardParts),
      kl: mean(({ kl }) => kl),
      gradNorm,
    },
    timesteps: [],
  };
}
