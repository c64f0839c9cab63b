/**
 * @file What opens alike for every method that draws images while it trains, whatever it does with
 * the reward.
 */
import { sha256 } from '@/db/blobs/store';
import type { TrainMetrics } from '@/lib/metrics';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import type { DrawingOptions } from '@/trainer/methods/rollouts/drawing-policy';
import { rolloutSettings } from '../../draw/draw';
import { type TriedRewards, tryRewards } from '../../rewards/try-rewards';
import { batchImages, mostImagesPerRun } from '../method-settings';
import { openTrainee } from '../trainee';
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
  context: TrainingContext,
  { draws, imagesPerDraw, together }: DrawSizes,
): Promise<DrawnTraining> {
  const { engine, round, start, method } = context;
  const { config } = round;
  const { pipeline } = start;
  const images = batchImages(together, mostImagesPerRun(pipeline, 1));
  const { label, conditioning, options, training } = await openTrainee(context);
  const tried = await tryRewards({ engine, start, encode: conditioning.encode }, round, method);
  const { reward } = tried;
  const origin = { round, pipeline, conditioning, imagesPerRound: draws * imagesPerDraw };
  return {
    ...tried,
    options: {
      ...options,
      pipeline,
      emptyContext: conditioning.options.emptyContext,
      settings: rolloutSettings(config),
      images,
    },
    label,
    async originsOf(draw) {
      const batches: DrawOrigin[] = [];
      for (let drawn = 0; drawn < imagesPerDraw; drawn += images) {
        batches.push(await originOf(origin, draw * imagesPerDraw + drawn, images));
      }
      return batches;
    },
    training: (trainer, step) => {
      const trainedOn = JSON.stringify([reward.name, config.prompts, ...label]);
      const dataHash = sha256(new TextEncoder().encode(trainedOn));
      return training(trainer, { steps: draws, dataHash, step }, async () => reward.release?.());
    },
  };
}
