/** @file What a trainer does for each kind of work, and which kinds it does side by side. */
import { pipelineWorkKinds, rewardWorkKinds, roundWorkKinds, type WorkKind } from '@/lib/work';
import type { Engine } from '@/trainer/runtime/engine';
import { sampleRound } from '../draw/sample';
import { evaluateRound } from '../evaluate/evaluate';
import { importPipeline } from '../imports/import-pipeline';
import { importReward } from '../rewards/import-model';
import { learnReward } from '../rewards/make-model';
import { dropCheckpoint } from '../train/checkpoint';
import { trainRound } from '../train/train';
import type { Assignment } from './assignment';

/**
 * Each goes on from the cursor, or from the start to the same result, and ends with `complete`. An
 * error is told to people, unless it may pass (`failure.ts`).
 */
export const performers: {
  [Kind in WorkKind]: (assignment: Assignment<Kind>, engine: Engine) => Promise<void>;
} = {
  sample: sampleRound,
  train: trainRound,
  evaluate: evaluateRound,
  'learn-reward': learnReward,
  'import-reward': importReward,
  'import-pipeline': importPipeline,
};

/**
 * A worker does one piece of work of each of these lists at a time. Reward models are made, and
 * pipelines imported, beside the rounds and never in their place: an import may take long, or more
 * memory than there is.
 */
export const lanes: readonly (readonly WorkKind[])[] = [
  roundWorkKinds,
  [...rewardWorkKinds, ...pipelineWorkKinds],
];

/** Drops what cancelled work has kept to go on from. */
export async function forget({ cursor }: Assignment<WorkKind>): Promise<void> {
  await dropCheckpoint(cursor);
}
