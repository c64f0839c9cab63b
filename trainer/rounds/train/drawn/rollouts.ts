/**
 * @file A round trained by the gradient of a reward: no answers, only prompts, seeds and what the
 * reward says.
 */
import type { MethodOf } from '@/lib/methods';
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import { rewardGradients } from '@/trainer/methods/registry';
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

/** Opens a reward-gradient method on a round. */
export async function openRolloutTraining(
  context: TrainingContext<MethodOf<'reward-gradient'>>,
): Promise<Training> {
  const { engine, round, start } = context;
  const { config } = round;
  const method = rewardGradients[context.method](config);
  const { imagesPerStep, optimiserSteps } = config.reward;
  const { reward, ...drawn } = await openDrawnTraining(context, {
    draws: optimiserSteps,
    imagesPerDraw: imagesPerStep,
    together: imagesPerStep,
  });
  const trainer = await RolloutTrainer.open(engine, {
    ...drawn.options,
    method,
    reward,
    ...referenceOf(method, start),
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

/**
 * What holds a policy may be the one that the round started from; a base policy is its own
 * reference.
 */
function referenceOf({ kl, matched }: RewardGradientMethod, { weights }: PolicyModel) {
  if ((matched ?? kl)?.reference !== 'round' || !weights) return {};
  return { reference: new Map(weights.tensors) as Adapter };
}

function metricsOf(reports: readonly RolloutReport[], gradNorm: number): StepMetrics {
  const mean = (read: (report: RolloutReport) => number) =>
    reports.reduce((sum, report) => sum + read(report), 0) / reports.length;
  const reward = mean(({ rewards: own }) => own.reduce((sum, r) => sum + r, 0) / own.length);
  const names = Object.keys(reports[0]?.rewardParts ?? {});
  const rewardParts = Object.fromEntries(
    names.map((name) => [name, mean(({ rewardParts: own }) => own[name]!)]),
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
