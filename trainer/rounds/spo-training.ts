/** @file A round trained by SPO: every step draws candidates, pairs them by a reward, and moves the weights a few times. */
import { sha256 } from '@/db/blobs';
import { AppError } from '@/lib/errors';
import { drawOf, trainedTimesteps } from '@/lib/settings/run-config';
import { openConditioning } from '@/trainer/methods/conditioning';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { spreadOf } from '@/trainer/methods/policy-gradient/advantages';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import { SpoTrainer, type SpoUpdate } from '@/trainer/methods/spo/spo-trainer';
import { transitionMetrics } from './d3po-training';
import { rolloutSettings } from './draw';
import { originOf } from './draw-origin';
import { adamWOf, batchImages, d3poLossOf, mostImagesPerRun } from './method-settings';
import { startingTensors, trainableOf, trainedUnet } from './policy-file';
import { randomOf } from './random';
import type { StepMetrics, Training, TrainingContext } from './training';
import { tryRewards } from './try-rewards';

/** Opens SPO on a round. */
export async function openSpoTraining({
  engine,
  round,
  start,
}: TrainingContext): Promise<Training> {
  const { config } = round;
  const { pipeline } = start;
  const { spo, training } = config;
  const label = [config.seed, round.ordinal] as const;
  const { imagesPerDraw, stepsPerDraw } = drawOf('spo', config);
  const draws = config.reward.optimiserSteps / stepsPerDraw;
  const images = batchImages(imagesPerDraw, mostImagesPerRun(pipeline, 1));
  const [eligibleSteps] = trainedTimesteps(config);
  const unet = await trainedUnet(pipeline.unet.graph, training);
  const conditioning = await openConditioning(engine, pipeline);
  const encode = async (prompt: string) => (await conditioning.encode(prompt)).data;
  const { reward, openScorer } = await tryRewards({ engine, start, encode }, round, 'spo');
  const trainer = await SpoTrainer.open(engine, {
    trainable: trainableOf(unet, training),
    pipeline,
    emptyContext: conditioning.options.emptyContext,
    settings: rolloutSettings(config),
    images,
    eligibleSteps,
    choice: spo,
    loss: d3poLossOf(spo),
    openScorer,
    adamW: adamWOf(training),
    secondMoment: training.secondMoment,
    emaDecay: training.emaDecay,
    learningRate: training.learningRate,
  });
  const context = { round, pipeline, conditioning, imagesPerRound: draws * imagesPerDraw };
  return {
    steps: draws,
    kind: training,
    dataHash: sha256(
      new TextEncoder().encode(JSON.stringify([reward.name, config.prompts, ...label])),
    ),
    initial: initialState(startingTensors(unet, training, start.file, [...label])),
    load: (state) => trainer.load(state),
    state: () => trainer.state(),
    async step(index) {
      const batches: DrawOrigin[] = [];
      for (let drawn = 0; drawn < imagesPerDraw; drawn += images) {
        batches.push(await originOf(context, index * imagesPerDraw + drawn, images));
      }
      const random = randomOf(...label, 'candidates', index);
      const { pairs, scores } = await trainer.draw(batches, () => random.next());
      if (index === 0 && pairs.length === 0) {
        const { deviation } = spreadOf(scores);
        throw new AppError(
          'unprocessable',
          `The reward tells no candidates of the first draw apart: its scores have a standard deviation of ${deviation.toPrecision(2)}. Raise spo.scoreScale (${spo.scoreScale}) or lower spo.threshold (${spo.threshold}).`,
        );
      }
      const updates: SpoUpdate[] = [];
      for (let pass = 0; pass < training.innerEpochs; pass++) {
        for (const portion of portionsOf(random.shuffled(pairs), spo.updatesPerDraw)) {
          updates.push(await trainer.update(portion));
        }
      }
      return metricsOf(scores, updates);
    },
    async close() {
      await trainer.close();
      await reward.release?.();
      await conditioning.release();
    },
  };
}

/** The items in so many portions of almost one size; those that would be empty are left out. */
function portionsOf<T>(items: readonly T[], count: number): T[][] {
  const bound = (portion: number) => Math.round((portion * items.length) / count);
  return Array.from({ length: count }, (_, i) => items.slice(bound(i), bound(i + 1))).filter(
    (portion) => portion.length > 0,
  );
}

function metricsOf(scores: readonly number[], updates: readonly SpoUpdate[]): StepMetrics {
  const { mean: reward, deviation: rewardSpread } = spreadOf(scores);
  const pairs = updates.flatMap((update) => update.pairs);
  // A draw without pairs says as much as ties do.
  if (pairs.length === 0) {
    return { mean: { loss: Math.LN2, kl: 0, reward, rewardSpread }, timesteps: [] };
  }
  const { mean, timesteps } = transitionMetrics(pairs);
  const gradNorm = spreadOf(updates.map((update) => update.gradNorm)).mean;
  return { mean: { ...mean, reward, rewardSpread, gradNorm }, timesteps };
}
