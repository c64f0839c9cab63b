/** @file A round trained by the gradient of a reward: no answers, only prompts, seeds and what the reward says. */
import { sha256 } from '@/db/blobs';
import type { Method } from '@/lib/methods';
import type { RunConfig } from '@/lib/settings/run-config';
import type { Adapter } from '@/trainer/diffusion/lora';
import { alignProp } from '@/trainer/methods/alignprop';
import { openConditioning } from '@/trainer/methods/conditioning';
import { draft } from '@/trainer/methods/draft';
import { draftLv } from '@/trainer/methods/draft-lv';
import { draftPlus } from '@/trainer/methods/draft-plus';
import { drTune } from '@/trainer/methods/drtune';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { refl } from '@/trainer/methods/refl';
import type { RewardGradientMethod } from '@/trainer/methods/rollouts/plan';
import {
  type RolloutBatch,
  type RolloutReport,
  RolloutTrainer,
} from '@/trainer/methods/rollouts/rollout-trainer';
import { rolloutSettings } from './draw';
import { originOf } from './draw-origin';
import { adamWOf, batchImages, mostImagesPerRun } from './method-settings';
import { startingTensors, trainableOf, trainedUnet } from './policy-file';
import { randomOf } from './random';
import type { PolicyModel } from './resolve-pipeline';
import type { StepMetrics, Training, TrainingContext } from './training';
import { tryRewards } from './try-rewards';

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
export async function openRolloutTraining({
  engine,
  round,
  start,
  method,
}: TrainingContext): Promise<Training> {
  const { config } = round;
  const { pipeline } = start;
  const make = methods[method];
  if (!make) throw new Error(`The method ${method} follows no reward.`);
  const label = [config.seed, round.ordinal] as const;
  const { imagesPerStep, optimiserSteps } = config.reward;
  const images = batchImages(imagesPerStep, mostImagesPerRun(pipeline, 1));
  const unet = await trainedUnet(pipeline.unet.graph, config.training);
  const conditioning = await openConditioning(engine, pipeline);
  const encode = async (prompt: string) => (await conditioning.encode(prompt)).data;
  const { reward } = await tryRewards({ engine, start, encode }, round, method);
  const trainer = await RolloutTrainer.open(engine, {
    trainable: trainableOf(unet, config.training),
    pipeline,
    emptyContext: conditioning.options.emptyContext,
    settings: rolloutSettings(config),
    images,
    method: make(config),
    reward,
    adamW: adamWOf(config.training),
    secondMoment: config.training.secondMoment,
    emaDecay: config.training.emaDecay,
    learningRate: config.training.learningRate,
    ...referenceOf(method, config, start),
  });
  const imagesPerRound = optimiserSteps * imagesPerStep;
  const context = { round, pipeline, conditioning, imagesPerRound };
  const batchOf = async (step: number, batch: number): Promise<RolloutBatch> => {
    const first = (step * (imagesPerStep / images) + batch) * images;
    const origin = await originOf(context, first, images);
    return { ...origin, rewardFeeds: await reward.feeds(origin.prompts) };
  };
  return {
    steps: optimiserSteps,
    kind: config.training,
    dataHash: sha256(
      new TextEncoder().encode(JSON.stringify([reward.name, config.prompts, ...label])),
    ),
    initial: initialState(startingTensors(unet, config.training, start.file, [...label])),
    load: (state) => trainer.load(state),
    state: () => trainer.state(),
    async step(index) {
      const batches: RolloutBatch[] = [];
      for (let batch = 0; batch < imagesPerStep / images; batch++) {
        batches.push(await batchOf(index, batch));
      }
      const random = randomOf(...label, 'plan', index);
      const { reports, gradNorm } = await trainer.step(batches, () => random.next());
      return metricsOf(reports, gradNorm);
    },
    async close() {
      await trainer.close();
      await reward.release?.();
      await conditioning.release();
    },
  };
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
  return {
    mean: { loss: mean(({ loss }) => loss), reward, kl: mean(({ kl }) => kl), gradNorm },
    timesteps: [],
  };
}
