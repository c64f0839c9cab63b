/** @file Learning a reward model: what people said, the features of every image they said it of, one fit, one file. */
import { decode } from 'fast-png';
import { getBlob, putBlob } from '@/db/blobs';
import { type RewardImage, statementsOf } from '@/db/reward-data';
import type { RewardModel } from '@/db/reward-models';
import { AppError } from '@/lib/errors';
import { labelsProblem, type RewardReport } from '@/lib/rewards';
import { PromptEncoder } from '@/trainer/diffusion/networks';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipeline';
import { pipelineHash } from '@/trainer/diffusion/pipeline-hash';
import { FeatureReader } from '@/trainer/rewards/learned/feature-reader';
import { serializeHead } from '@/trainer/rewards/learned/head';
import { type RewardData, trainReward } from '@/trainer/rewards/learned/train';
import type { Engine } from '@/trainer/runtime/engine';
import { pipelineFolder } from './resolve-pipeline';

/** Images in one run of the networks. */
const imagesPerRun = 16;

/** Trains the model that was asked for; its file goes to the blob store. */
export async function trainRewardModel(
  { pipeline: name, source, until }: RewardModel,
  engine: Engine,
): Promise<{ blob: string; report: RewardReport }> {
  const { data, images } = await gather(name, source, until);
  const problem = labelsProblem(
    source,
    data.statements.map(({ label }) => label),
  );
  if (problem) throw new AppError('unprocessable', problem);
  const folder = pipelineFolder(name);
  const pipeline = await openPipeline(folder);
  const features = await featuresOf(engine, pipeline, images);
  const { head, report } = await trainReward(engine, features, data);
  const blob = await putBlob(serializeHead({ ...head, pipelineHash: await pipelineHash(folder) }));
  return { blob, report };
}

/** Every image once, in the order in which statements name them first. */
async function gather(pipeline: string, source: RewardModel['source'], until: number) {
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
          const { width, height, data } = decode(await getBlob(imageBlob));
          const image = { width, height, data: data as Uint8Array };
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
