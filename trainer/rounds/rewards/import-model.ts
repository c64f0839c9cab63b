/**
 * @file The work of importing a reward model: opened, kept apart from the judge, and tried on
 * images that the base policy draws.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { pipeline as streamed } from 'node:stream/promises';
import { finishRewardModel } from '@/db/work/results';
import { AppError } from '@/lib/errors';
import type { ImportReport } from '@/lib/rewards';
import { rewardFiles } from '@/trainer/rewards/imported/identity';
import { readManifest } from '@/trainer/rewards/imported/manifest';
import { openImportedReward } from '@/trainer/rewards/imported/open';
import { probeReward } from '@/trainer/rewards/probe';
import type { Engine } from '@/trainer/runtime/engine';
import { knownFilesHash } from '../../known-hash';
import { drawPlanes } from '../draw/planes';
import { trainingSeed } from '../draw/random';
import { judgeFiles } from '../evaluate/judging';
import { openNewest } from '../pipelines/resolve';
import type { Assignment } from '../worker/assignment';

/** What it is tried on: enough to see whether it tells images apart. */
const images = 4;
const prompt = 'a photo';
const settings = { steps: 10, eta: 0, guidance: 1 };

/** Opens the model that is to be imported, and tries it. */
export async function importReward(
  assignment: Assignment<'import-reward'>,
  engine: Engine,
): Promise<void> {
  const { pipeline, folder } = assignment.rewardModel;
  const imported = await tryImported(engine, pipeline, folder as string, assignment.signal);
  await assignment.complete((claim) => finishRewardModel({ ...claim, made: { imported } }));
}

/**
 * Opens and tries the model in a folder. Its manifest is read first, and then only the files that
 * it names. Throws what is wrong with it and what to do.
 */
export async function tryImported(
  engine: Engine,
  pipelineName: string,
  folder: string,
  signal?: AbortSignal,
): Promise<ImportReport> {
  if (!isAbsolute(folder)) {
    throw new AppError(
      'bad-request',
      `"${folder}" is no absolute path. Give the whole path of the folder that holds reward.json.`,
    );
  }
  const files = await rewardFiles(folder, await readManifest(folder));
  await refuseJudge(
    pipelineName,
    files.map((file) => join(folder, file)),
  );
  signal?.throwIfAborted();
  const reward = await openImportedReward(engine, folder, knownFilesHash);
  try {
    const { pipeline } = await openNewest(pipelineName);
    const requests = Array.from({ length: images }, (_, i) => {
      const seed = trainingSeed('import', i);
      return { prompt, seed, noiseSeed: seed };
    });
    const { mean, spread, warnings } = await probeReward(
      engine,
      reward,
      await drawPlanes(engine, pipeline, requests, { images, settings }),
      requests.map((request) => request.prompt),
    );
    return { name: reward.name, mean, spread, warnings };
  } finally {
    await reward.release?.();
  }
}

/**
 * A judge may never be the reward of the policies that it measures, under whatever name it comes.
 */
async function refuseJudge(pipelineName: string, paths: readonly string[]): Promise<void> {
  const judges = await judgeFiles(pipelineName);
  const sizes = new Set(await Promise.all(judges.map(sizeOf)));
  const own = new Set(await Promise.all(judges.map(hashOf)));
  for (const path of paths) {
    if (!sizes.has(await sizeOf(path)) || !own.has(await hashOf(path))) continue;
    throw new AppError(
      'bad-request',
      `${path} is the judge that measures the policies of ${pipelineName}, so it cannot be their reward: a rate that training optimised says nothing. Take another model.`,
    );
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await streamed(createReadStream(path), hash);
  return hash.digest('hex');
}
