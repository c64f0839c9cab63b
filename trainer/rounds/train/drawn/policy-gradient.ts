/**
 * @file A round trained by policy gradient: every step draws images, scores them, and moves the
 * weights a few times.
 */
import type { MethodOf } from '@/lib/methods';
import type { TrainMetrics } from '@/lib/metrics';
import { drawOf, type RunConfig, trainedTimesteps } from '@/lib/settings/run-config';
import { spreadOf } from '@/trainer/methods/policy-gradient/advantages';
import {
  type EpochReport,
  PolicyGradientTrainer,
} from '@/trainer/methods/policy-gradient/policy-gradient-trainer';
import type { TransitionReport } from '@/trainer/methods/policy-gradient/run';
import { policyGradients } from '@/trainer/methods/registry';
import { randomOf } from '../../draw/random';
import { planSteps } from '../d3po/steps';
import type { StepMetrics, Training, TrainingContext } from '../training';
import { loggedParts, openDrawnTraining } from './open';

/** Opens a policy-gradient method on a round. */
export async function openPolicyGradientTraining(
  context: TrainingContext<MethodOf<'policy-gradient'>>,
): Promise<Training> {
  const { engine, round, start, method } = context;
  const { config } = round;
  const { imagesPerStep, optimiserSteps } = config.reward;
  const { imagesPerDraw, stepsPerDraw } = drawOf(method, config);
  const draws = optimiserSteps / stepsPerDraw;
  const drawn = await openDrawnTraining(context, { draws, imagesPerDraw, together: imagesPerStep });
  const moving = start.pipeline.scheduler.movingTimesteps(config.sampling.inferenceSteps).length;
  const [eligibleSteps] = trainedTimesteps(config, moving);
  const trainer = await PolicyGradientTrainer.open(engine, {
    ...drawn.options,
    drawImages: imagesPerDraw,
    eligibleSteps,
    method: policyGradients[method](config),
    openScorer: drawn.openScorer,
  });
  return drawn.training(trainer, async (index) => {
    const random = randomOf(...drawn.label, 'value', index);
    const transitions = transitionsOf(config, imagesPerDraw, moving, [...drawn.label, index]);
    const batches = await drawn.originsOf(index);
    return metricsOf(await trainer.epoch(batches, transitions, () => random.next()));
  });
}

/**
 * Which transitions each optimizer step of a draw takes: its own images, each at timesteps drawn
 * for it.
 */
function transitionsOf(
  config: RunConfig,
  images: number,
  moving: number,
  label: readonly (string | number)[],
) {
  const training = {
    ...config.training,
    pairsPerStep: config.reward.imagesPerStep,
    optimiserStep: 'pair',
  } as const;
  return planSteps(images, { training, sampling: config.sampling }, label, moving).map((step) =>
    step.flatMap(({ example, timestepIndices }) =>
      timestepIndices.map((timestepIndex) => ({ example, timestepIndex })),
    ),
  );
}

function metricsOf({ rewards: scores, rewardParts, updates, valueLoss }: EpochReport): StepMetrics {
  const transitions = updates.flatMap((update) => update.transitions);
  const timesteps = [...new Set(transitions.map(({ timestep }) => timestep))].sort((a, b) => b - a);
  const { mean: reward, deviation: rewardSpread } = spreadOf(scores);
  return {
    mean: {
      ...meanOf(transitions),
      reward,
      rewardSpread,
      ...loggedParts(rewardParts),
      gradNorm: spreadOf(updates.map(({ gradNorm }) => gradNorm)).mean,
      ...(valueLoss !== undefined && { valueLoss }),
    },
    timesteps: timesteps.map((timestep) => ({
      timestep,
      metrics: meanOf(transitions.filter((transition) => transition.timestep === timestep)),
    })),
  };
}

function meanOf(transitions: readonly TransitionReport[]): TrainMetrics {
  const mean = (read: (transition: TransitionReport) => number) =>
    spreadOf(transitions.map(read)).mean;
  return {
    loss: mean(({ loss }) => loss),
    clipFraction: mean(({ clipped }) => Number(clipped)),
    kl: mean(({ kl }) => kl),
  };
}
