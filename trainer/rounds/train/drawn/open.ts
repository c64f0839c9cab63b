/**
 * @file What opens alike for every method that draws images while it trains, whatever it does with
 * the reward.
 */
import { sha256 } from '@/db/blobs/store';
import type { TrainMetrics } from '@/lib/metrics';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import type { DrawingOptions } from '@/trainer/methods/rollouts/drawing-policy';
import { rolloutSettings } from '../../draw/draw';
import { type TriedRewards, tryRewards } from '../../rewards/try-rewards';
import { adamWOf, batchImages, mostImagesPerRun } from '../method-settings';
import { startingTensors, trainableOf, trainedUnet } from '../policy-file';
import type { Training, TrainingContext } from '../training';
import { originOf } from './origin';

export interface DrawSizes {
  /** Steps of the training: each draws anew. */
  draws: number;
  imagesPerDraw: number;
  /**
   * Images that should share a run of a graph, where the pipeline's size allows it: a divisor of
   * `imagesPerDraw`.
   */
  together: number;
}

export interface DrawnTraining extends TriedRewards {
  /** What the trainers of all these methods take. */
  options: DrawingOptions;
  /** Seed and round, from which every random choice follows. */
  label: readonly [number, number];
  /** What the images of a draw start from, in batches. */
  originsOf(draw: number): Promise<DrawOrigin[]>;
  /** A trainer as the work of training sees it. */
  training(trainer: Pick<Training, 'load' | 'state' | 'close'>, step: Training['step']): Training;
}

/** What is logged of a reward's terms, where it has any. */
export function loggedParts(
  rewardParts: Record<string, number>,
): Pick<TrainMetrics, 'rewardParts'> {
  return Object.keys(rewardParts).length > 0 ? { rewardParts } : {};
}

/** Opens the pipeline's texts and the round's rewards, which are tried first. */
export async function openDrawnTraining(
  { engine, round, start, method }: TrainingContext,
  { draws, imagesPerDraw, together }: DrawSizes,
): Promise<DrawnTraining> {
  const { config } = round;
  const { training } = config;
  const { pipeline } = start;
  const label = [config.seed, round.ordinal] as const;
  const images = batchImages(together, mostImagesPerRun(pipeline, 1));
  const unet = await trainedUnet(pipeline.unet.graph, training);
  const conditioning = await openConditioning(engine, pipeline);
  const tried = await tryRewards({ engine, start, encode: conditioning.encode }, round, method);
  const { reward } = tried;
  const origin = { round, pipeline, conditioning, imagesPerRound: draws * imagesPerDraw };
  return {
    ...tried,
    options: {
      trainable: trainableOf(unet, training),
      pipeline,
      emptyContext: conditioning.options.emptyContext,
      settings: rolloutSettings(config),
      images,
      adamW: adamWOf(training),
      secondMoment: training.secondMoment,
      emaDecay: training.emaDecay,
      learningRate: training.learningRate,
    },
    label,
    async originsOf(draw) {
      const batches: DrawOrigin[] = [];
      for (let drawn = 0; drawn < imagesPerDraw; drawn += images) {
        batches.push(await originOf(origin, draw * imagesPerDraw + drawn, images));
      }
      return batches;
    },
    training: (trainer, step) => ({
      steps: draws,
      kind: training,
      dataHash: sha256(
        new TextEncoder().encode(JSON.stringify([reward.name, config.prompts, ...label])),
      ),
      initial: initialState(startingTensors(unet, training, start.file, [...label])),
      load: (state) => trainer.load(state),
      state: () => trainer.state(),
      step,
      async close() {
        await trainer.close();
        await reward.release?.();
        await conditioning.release();
      },
    }),
  };
}
