import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { beforeAll, expect, it } from 'vitest';
import { getBlob, putBlob, statBlob } from '@/db/blobs/blobs';
import { blobPath } from '@/db/blobs/folder';
import { db, schema } from '@/db/client';
import { createPolicy } from '@/db/policies/policies';
import { cancelRound, getRound, pauseRound, resumeRound, retryRound } from '@/db/rounds/rounds';
import { listSamples } from '@/db/rounds/samples';
import type { Round } from '@/db/schema/rounds';
import { AppError } from '@/lib/errors';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { parseTrajectory, serializeTrajectory } from '@/trainer/diffusion/sampling/trajectory';
import { explainFailure } from '@/trainer/rounds/worker/failure';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  startTrainer,
  type Trainer,
  untilRound,
  withHomes,
  withTinyPipeline,
} from '../support';

const pipeline = withTinyPipeline();
const homes = withHomes();
let home: string;
let trainer: Trainer;

// One trainer for all tests: whatever fails, it goes on with the next.
beforeAll(async () => {
  home = await homes.make();
  trainer = startTrainer();
});

const config = {
  ...quickConfig,

  sampling: { inferenceSteps: 3, batchImages: 2, pairsPerRound: 4 },
  // Enough optimizer steps to be caught between two of them.
  training: { ...quickConfig.training, innerEpochs: 4 },
  evaluation: { images: 2 },
};

const until = (round: Round, state: Round['state']) =>
  untilRound(round.id, (found) => found.state === state, trainer);

async function untilPutDown({ id }: Round): Promise<void> {
  for (;;) {
    const rows = db().select().from(schema.work).where(eq(schema.work.roundId, id)).all();
    if (rows.every(({ state }) => state !== 'claimed')) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// Equal images share their blobs, and a damaged one must be nobody else's.
let seed = 0;

/** A round all of whose pairs are drawn. */
async function drawnRound(innerEpochs = 1): Promise<Round> {
  const base = await baseOn(pipeline.folder);
  const training = { ...config.training, innerEpochs };
  const round = await startRunFrom(base, { ...config, training, seed: ++seed });
  return until(round, 'labeling');
}

/** A round put down after some optimizer steps. */
async function pausedInTraining(): Promise<Round> {
  // Several passes: training must not be over before the pause arrives.
  const round = await drawnRound(8);
  await labelEverything();
  await untilRound(
    round.id,
    ({ state, progress }) => state === 'training' && progress.trainedSteps > 0,
    trainer,
    5,
  );
  await pauseRound(round.id, null);
  await untilPutDown(round);
  return getRound(round.id);
}

it('puts a paused round down and goes on with it later', async () => {
  const round = await pausedInTraining();
  expect(round).toMatchObject({ state: 'training', paused: true });
  const { trainedSteps, trainSteps } = round.progress;
  expect(trainedSteps).toBeLessThan(trainSteps);
  await resumeRound(round.id, null);
  await until(round, 'done');
});

/** The blob that a round's training goes on from. */
function checkpointOf({ id }: Round): string {
  const rows = db().select().from(schema.work).where(eq(schema.work.roundId, id)).all();
  return (rows.find(({ kind }) => kind === 'train')!.cursor as { sha256: string }).sha256;
}

it('stops over a damaged checkpoint, and starts over when it is tried again', async () => {
  const round = await pausedInTraining();
  await writeFile(blobPath(checkpointOf(round)), 'not a checkpoint');
  await resumeRound(round.id, null);
  const { error } = await until(round, 'failed');
  expect(error).toMatch(
    /checkpoint \w+ of step \d+ is damaged, and was set aside. Try the round again/,
  );
  await retryRound(round.id, null);
  await until(round, 'done');
});

it('forgets a cancelled round', async () => {
  const round = await pausedInTraining();
  await resumeRound(round.id, null);
  await cancelRound(round.id, null);
  await untilPutDown(round);
  const rerun = await drawnRound();
  expect(await getRound(round.id)).toMatchObject({ state: 'cancelled', resultPolicyId: null });
  await cancelRound(rerun.id, null);
});

it('stops over numbers that are none, and keeps the last checkpoint', async () => {
  const round = await drawnRound();
  const [sample] = await listSamples({ roundId: round.id });
  const trajectory = parseTrajectory(await getBlob(sample!.trajectoryBlob!), 'trajectory');
  trajectory.latents.data.fill(Number.NaN);
  const trajectoryBlob = await putBlob(serializeTrajectory(trajectory));
  db()
    .update(schema.samples)
    .set({ trajectoryBlob })
    .where(eq(schema.samples.id, sample!.id))
    .run();
  await labelEverything();
  const { error, progress } = await until(round, 'failed');
  expect(error).toMatch(/NaN.+Lower the learning rate/);
  if (progress.trainedSteps > 0) expect(await statBlob(checkpointOf(round))).not.toBeNull();
});

it('stops over a damaged trajectory', async () => {
  const round = await drawnRound();
  const [sample] = await listSamples({ roundId: round.id });
  const path = blobPath(sample!.trajectoryBlob!);
  await writeFile(path, 'not a trajectory');
  await labelEverything();
  expect((await until(round, 'failed')).error).toMatch(/holds other bytes.+Restore.+backup/);
});

it('stops while the pipeline is gone or has changed, and goes on when it is back', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'darkroom-pipeline-'));
  const folder = join(parent, 'pipeline');
  await writeTinyPipeline(folder);
  const base = await baseOn(folder);
  await rename(folder, `${folder}-away`);
  const round = await startRunFrom(base, config);
  expect((await until(round, 'failed')).error).toContain(
    `${folder}/model_index.json does not exist`,
  );
  await rename(`${folder}-away`, folder);
  const added = join(folder, 'added.json');
  await writeFile(added, '{}');
  await retryRound(round.id, null);
  expect((await until(round, 'failed')).error).toMatch(/have changed.+Put the former files back/);
  await rm(added);
  await retryRound(round.id, null);
  await until(round, 'labeling');
  await cancelRound(round.id, null);
  await rm(parent, { recursive: true });
});

it('stops over a policy whose weights are gone', async () => {
  const { id: parentId, pipeline: name } = await baseOn(pipeline.folder);
  const policy = await createPolicy({
    name: 'lost',
    parentId,
    pipeline: name,
    adapterBlob: 'a'.repeat(64),
    hash: 'lost',
    manifest: {},
    roundId: null,
  });
  const round = await startRunFrom(policy, config);
  expect((await until(round, 'failed')).error).toMatch(
    /"lost" cannot be read.+missing.+serve another policy/,
  );
});

/** Only root may mount a small disk of its own. */
const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

it.skipIf(!mayMount)('stops over a full disk and goes on after', async () => {
  const round = await drawnRound();
  const blobs = join(home, 'blobs');
  const aside = join(home, 'aside');
  await cp(blobs, aside, { recursive: true });
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', blobs]);
  expect(mount.status, String(mount.stderr)).toBe(0);
  try {
    await cp(aside, blobs, { recursive: true });
    const filler = join(blobs, 'filler');
    await expect(writeFile(filler, Buffer.alloc(64 * 2 ** 20))).rejects.toThrow('ENOSPC');
    await labelEverything();
    expect((await until(round, 'failed')).error).toMatch(/disk is full.+Free some space/);
    await rm(filler);
    await retryRound(round.id, null);
    await until(round, 'done');
    await cp(blobs, aside, { recursive: true });
  } finally {
    spawnSync('umount', ['-l', blobs]);
    await cp(aside, blobs, { recursive: true });
  }
});

it.each([
  new AppError('storage-full', 'No space left for 9 bytes in /data/blobs. Free some disk space.'),
  Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
  Object.assign(new Error('EDQUOT: quota exceeded, open'), { code: 'EDQUOT', path: '/data/x' }),
])('says of a full disk, however it is told, that the round can be tried again: %s', (thrown) => {
  expect(explainFailure(thrown)).toMatch(/^The disk is full \(.+\)\. .+ try the round again/);
});
