/** @file A round trained by policy gradient: every step draws images, scores them, and moves the weights a few times. */
import { sha256 } from '@/db/blobs';
import { isPolicyGradient, type PolicyGradient } from '@/lib/methods';
import type { TrainMetrics } from '@/lib/metrics';
import { drawOf, type RunConfig, trainedTimesteps } from '@/lib/settings/run-config';
import { openConditioning } from '@/trainer/methods/conditioning';
import { ddpo } from '@/trainer/methods/ddpo';
import { dpok } from '@/trainer/methods/dpok';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { spreadOf } from '@/trainer/methods/policy-gradient/advantages';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import type { PolicyGradientMethod } from '@/trainer/methods/policy-gradient/method';
import {
  type EpochReport,
  PolicyGradientTrainer,
} from '@/trainer/methods/policy-gradient/policy-gradient-trainer';
import type { TransitionReport } from '@/trainer/methods/policy-gradient/run';
import { planSteps } from './d3po-steps';
import { rolloutSettings } from './draw';
import { originOf } from './draw-origin';
import { adamWOf, batchImages, mostImagesPerRun } from './method-settings';
import { startingTensors, trainableOf, trainedUnet } from './policy-file';
import { randomOf } from './random';
import type { StepMetrics, Training, TrainingContext } from './training';
import { tryRewards } from './try-rewards';

const methods: Record<PolicyGradient, (config: RunConfig) => PolicyGradientMethod> = {
  ddpo: (config) => ddpo(config.ddpo),
  dpok: ({ dpok: { valueBaseline, valueLearningRate, valueSteps, ...weights } }) =>
    dpok({
      ...weights,
      ...(valueBaseline && { value: { learningRate: valueLearningRate, steps: valueSteps } }),
    }),
};

/** Opens a policy-gradient method on a round. */
export async function openPolicyGradientTraining({
  engine,
  round,
  start,
  method,
}: TrainingContext): Promise<Training> {
  const { config } = round;
  const { pipeline } = start;
  if (!isPolicyGradient(method)) throw new Error(`The method ${method} is no policy gradient.`);
  const label = [config.seed, round.ordinal] as const;
  const { imagesPerStep, optimiserSteps } = config.reward;
  const { imagesPerDraw, stepsPerDraw } = drawOf(method, config);
  const draws = optimiserSteps / stepsPerDraw;
  const images = batchImages(imagesPerStep, mostImagesPerRun(pipeline, 1));
  const [eligibleSteps] = trainedTimesteps(config);
  const unet = await trainedUnet(pipeline.unet.graph, config.training);
  const conditioning = await openConditioning(engine, pipeline);
  const encode = async (prompt: string) => (await conditioning.encode(prompt)).data;
  const { reward, openScorer } = await tryRewards({ engine, start, encode }, round, method);
  const trainer = await PolicyGradientTrainer.open(engine, {
    trainable: trainableOf(unet, config.training),
    pipeline,
    emptyContext: conditioning.options.emptyContext,
    settings: rolloutSettings(config),
    images,
    drawImages: imagesPerDraw,
    eligibleSteps,
    method: methods[method](config),
    openScorer,
    adamW: adamWOf(config.training),
    secondMoment: config.training.secondMoment,
    emaDecay: config.training.emaDecay,
    learningRate: config.training.learningRate,
  });
  const context = { round, pipeline, conditioning, imagesPerRound: draws * imagesPerDraw };
  return {
    steps: draws,
    kind: config.training,
    dataHash: sha256(
      new TextEncoder().encode(JSON.stringify([reward.name, config.prompts, ...label])),
    ),
    initial: initialState(startingTensors(unet, config.training, start.file, [...label])),
    load: (state) => trainer.load(state),
    state: () => trainer.state(),
    async step(index) {
      const batches: DrawOrigin[] = [];
      for (let drawn = 0; drawn < imagesPerDraw; drawn += images) {
        batches.push(await originOf(context, index * imagesPerDraw + drawn, images));
      }
      const random = randomOf(...label, 'value', index);
      const report = await trainer.epoch(
        batches,
        transitionsOf(config, imagesPerDraw, [...label, index]),
        () => random.next(),
      );
      return metricsOf(report);
    },
    async close() {
      await trainer.close();
      await reward.release?.();
      await conditioning.release();
    },
  };
}

/** Which transitions each optimizer step of a draw takes: its own images, each at timesteps drawn for it. */
function transitionsOf(config: RunConfig, images: number, label: readonly (string | number)[]) {
  const training = {
    ...config.training,
    pairsPerStep: config.reward.imagesPerStep,
    optimiserStep: 'pair',
  } as const;
  return planSteps(images, { training, sampling: config.sampling }, label).map((step) =>
    step.flatMap(({ example, timestepIndices }) =>
      timestepIndices.map((timestepIndex) => ({ example, timestepIndex })),
    ),
  );
}

function metricsOf({ rewards: scores, updates, valueLoss }: EpochReport): StepMetrics {
  const transitions = updates.flatMap((update) => update.transitions);
  const timesteps = [...new Set(transitions.map(({ timestep }) => timestep))].sort((a, b) => b - a);
  const { mean: reward, deviation: rewardSpread } = spreadOf(scores);
  return {
    mean: {
      ...meanOf(transitions),
      reward,
      rewardSpread,
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
