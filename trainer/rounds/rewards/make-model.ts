/**
 * @file The work of learning a reward model: from what people said, by the features of every image
 * they said it of and one fit.
 */
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { type RewardImage, statementsOf } from '@/db/rewards/reward-data';
import { finishRewardModel } from '@/db/work/results';
import { AppError } from '@/lib/errors';
import { type LearnedSource, labelsProblem, type RewardReport } from '@/lib/rewards';
import { sizeText } from '@/lib/settings/image-sizes';
import { decodePng, type RgbImage } from '@/trainer/diffusion/images/png';
import { sizedPipeline } from '@/trainer/diffusion/images/sizes';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { FeatureReader } from '@/trainer/rewards/learned/feature-reader';
import { serializeHead } from '@/trainer/rewards/learned/head';
import { type RewardData, trainReward } from '@/trainer/rewards/learned/train';
import type { Engine } from '@/trainer/runtime/engine';
import { openNewest } from '../pipelines/resolve';
import type { Assignment } from '../worker/assignment';

/** Images in one run of the networks. */
const imagesPerRun = 16;

/**
 * Learns a reward model; its file goes to the blob store. Interrupted, it is made from the start,
 * to the same result.
 */
export async function learnReward(
  assignment: Assignment<'learn-reward'>,
  engine: Engine,
): Promise<void> {
  const { pipeline, source, until } = assignment.rewardModel;
  const made = await learn({ pipeline, source: source as LearnedSource, until }, engine);
  await assignment.complete((claim) => finishRewardModel({ ...claim, made }));
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
  // Runs may draw at sizes of their own.
  const readers = new Map<string, Promise<FeatureReader>>();
  const readerFor = ({ width, height }: RgbImage) => {
    const size = { width, height };
    const opened =
      readers.get(sizeText(size)) ??
      sizedPipeline(pipeline, size).then((sized) =>
        FeatureReader.open(engine, sized, imagesPerRun),
      );
    readers.set(sizeText(size), opened);
    return opened;
  };
  try {
    const features: Float32Array[] = [];
    for (let first = 0; first < images.length; first += imagesPerRun) {
      const together = await Promise.all(
        images.slice(first, first + imagesPerRun).map(async ({ imageBlob, prompt }) => {
          const image = decodePng(await getBlob(imageBlob), `The image ${imageBlob}`);
          return { image, context: await encoder.encode(prompt) };
        }),
      );
      for (const run of runsOf(together, ({ image }) => sizeText(image))) {
        const reader = await readerFor(run[0]!.image);
        features.push(...(await reader.read(run)));
      }
    }
    return features;
  } finally {
    for (const reader of readers.values()) await (await reader).release();
    await encoder.release();
  }
}

/** What stands side by side under one key, together. */
function runsOf<One>(all: readonly One[], keyOf: (one: One) => string): One[][] {
  const runs: One[][] = [];
  for (const one of all) {
    const run = runs.at(-1);
    if (run && keyOf(run[0]!) === keyOf(one)) run.push(one);
    else runs.push([one]);
  }
  return runs;
}
