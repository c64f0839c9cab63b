/** @file Making a reward model: from what people said, by the features of every image they said it of and one fit; or imported. */

import { getBlob, putBlob } from '@/db/blobs/blobs';
import { type RewardImage, statementsOf } from '@/db/rewards/reward-data';
import type { RewardModel } from '@/db/rewards/reward-models';
import { AppError } from '@/lib/errors';
import {
  type ImportReport,
  type LearnedSource,
  labelsProblem,
  type RewardReport,
} from '@/lib/rewards';
import { decodePng } from '@/trainer/diffusion/images/png';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { FeatureReader } from '@/trainer/rewards/learned/feature-reader';
import { serializeHead } from '@/trainer/rewards/learned/head';
import { type RewardData, trainReward } from '@/trainer/rewards/learned/train';
import type { Engine } from '@/trainer/runtime/engine';
import { openNewest } from '../pipelines/resolve';
import { tryImported } from './import-model';

/** Images in one run of the networks. */
const imagesPerRun = 16;

/** What becomes of a reward model that was asked for. */
export type MadeReward = { blob: string; report: RewardReport } | { imported: ImportReport };

/** Learns the model, its file going to the blob store; or opens the one to be imported and tries it. */
export async function makeRewardModel(
  model: RewardModel,
  engine: Engine,
  signal: AbortSignal,
): Promise<MadeReward> {
  const { pipeline, source, until, folder } = model;
  if (source !== 'imported') return learn({ pipeline, source, until }, engine);
  return { imported: await tryImported(engine, pipeline, folder as string, signal) };
}

async function learn(
  { pipeline: name, source, until }: { pipeline: string; source: LearnedSource; until: number },
  engine: Engine,
): Promise<{ blob: string; report: RewardReport }> {
  const { data, images } = await gather(name, source, until);
  const problem = labelsProblem(
    source,
    data.statements.map(({ label }) => label),
  );
  if (problem) throw new AppError('unprocessable', problem);
  const { pipeline, hash } = await openNewest(name);
  const features = await featuresOf(engine, pipeline, images);
  const { head, report } = await trainReward(engine, features, data);
  const blob = await putBlob(serializeHead({ ...head, pipelineHash: hash }));
  return { blob, report };
}

/** Every image once, in the order in which statements name them first. */
async function gather(pipeline: string, source: LearnedSource, until: number) {
  const images: RewardImage[] = [];
  const known = new Map<string, number>();
  const indexOf = (image: RewardImage): number => {
    const index = known.get(image.id) ?? images.push(image) - 1;
    known.set(image.id, index);
    return index;
  };
  const { statements: said, annotators, ceiling } = await statementsOf(pipeline, source, until);
  const statements = said.map(({ first, second, ...rest }) => ({
    ...rest,
    first: indexOf(first),
    second: second && indexOf(second),
  }));
  const data: RewardData = { source, statements, annotators, until, ceiling };
  return { data, images };
}

async function featuresOf(
  engine: Engine,
  pipeline: Pipeline,
  images: readonly RewardImage[],
): Promise<Float32Array[]> {
  const encoder = await PromptEncoder.open(engine, pipeline);
  const reader = await FeatureReader.open(engine, pipeline, imagesPerRun);
  try {
    const features: Float32Array[] = [];
    for (let first = 0; first < images.length; first += imagesPerRun) {
      const together = await Promise.all(
        images.slice(first, first + imagesPerRun).map(async ({ imageBlob, prompt }) => {
          const image = decodePng(await getBlob(imageBlob), `The image ${imageBlob}`);
          return { image, context: await encoder.encode(prompt) };
        }),
      );
      features.push(...(await reader.read(together)));
    }
    return features;
  } finally {
    await reader.release();
    await encoder.release();
  }
}
