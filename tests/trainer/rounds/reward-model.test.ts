import { copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { getBlob } from '@/db/blobs';
import { evaluationsOf, trainStepsOf } from '@/db/metrics';
import { getRewardModel, type RewardModel, requestRewardModel } from '@/db/reward-models';
import { getRound } from '@/db/rounds';
import { startRun } from '@/db/runs';
import { rewardTrialSchema } from '@/lib/rewards';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { judgePath } from '@/trainer/hands/judge/judge';
import { parseHead } from '@/trainer/rewards/learned/head';
import { tryImported } from '@/trainer/rounds/import-reward';
import { Engine } from '@/trainer/runtime/engine';
import { head, imageTower, size, writeModel } from '../rewards/imported/models';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  untilRound,
  withTinyPipeline,
  withWorker,
} from './support';

const pipeline = withTinyPipeline();
withWorker();

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 4, pairsPerRound: 24 },
  evaluation: { images: 4 },
} satisfies RunConfigInput;

async function learn(): Promise<RewardModel> {
  const { id } = await requestRewardModel({
    pipeline: pipeline.folder,
    source: 'picks',
    createdBy: null,
    // The undo window of what was just answered has passed.
    now: Date.now() + 21_000,
  });
  return made(id);
}

async function made(id: string): Promise<RewardModel> {
  for (;;) {
    const model = await getRewardModel(id);
    if (model.state === 'ready' || model.state === 'failed') return model;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('says what is missing while nobody has answered', async () => {
  await baseOn(pipeline.folder);
  const model = await learn();
  expect(model.state).toBe('failed');
  expect(model.error).toMatch(/There are 0 answers.+at least 20/);
});

it('learns a reward from the picks of a round, and a round of DRaFT+ follows it', async () => {
  const base = await baseOn(pipeline.folder);
  const round = await startRunFrom(base, config);
  await untilRound(round.id, ({ state }) => state === 'labeling');
  expect(await labelEverything()).toBe(24);
  const model = await learn();
  expect(model).toMatchObject({ state: 'ready', version: 2, error: null });
  expect(model.report).toMatchObject({ examples: 24, annotators: 1, ties: 0 });
  expect(model.report?.heldOut.n).toBe(24);
  const head = parseHead(await getBlob(model.blob!), 'reward');
  expect(head.source).toBe('picks');
  expect(await learn()).toMatchObject({ version: 3, blob: model.blob });

  await untilRound(round.id, ({ state }) => state === 'done');
  const { round: rewarded } = await startRun({
    name: 'follows',
    mode: 'single',
    method: 'draft-plus',
    pipeline: pipeline.folder,
    createdBy: null,
    startPolicyId: base.id,
    config: {
      ...config,
      sampling: { ...config.sampling, eta: 0 },
      rewards: [
        { model: model.id, weight: 2 },
        { model: 'brightness', weight: -1 },
      ],
      reward: { optimiserSteps: 2, imagesPerStep: 4 },
    },
  });
  await untilRound(rewarded.id, ({ state }) => state === 'done');
  const curve = await trainStepsOf(rewarded.id);
  expect(curve).toHaveLength(2);
  for (const { metrics } of curve) {
    const [learned, bright] = Object.values(metrics.rewardParts ?? {}) as [number, number];
    expect(Object.keys(metrics.rewardParts ?? {})[1]).toBe('brightness');
    expect(metrics.reward).toBeCloseTo(2 * learned - bright, 4);
  }
});

async function bring(folder: string): Promise<RewardModel> {
  const { id } = await requestRewardModel({
    pipeline: pipeline.folder,
    source: 'imported',
    folder,
    createdBy: null,
  });
  return made(id);
}

it('imports a model, measures what is normalized, and refuses one whose files have changed', async () => {
  const base = await baseOn(pipeline.folder);
  const manifest = {
    name: 'taste',
    version: '1',
    layout: 'aesthetic',
    image: { file: 'image.onnx', size },
    head: { file: 'head.onnx' },
  };
  const folder = await writeModel(manifest, { 'image.onnx': imageTower(), 'head.onnx': head() });
  const model = await bring(folder);
  expect(model).toMatchObject({ state: 'ready', error: null });
  expect(model.imported?.name).toMatch(/^taste \(aesthetic 1, [0-9a-f]{8}\)$/);
  expect(model.imported?.spread).toBeGreaterThan(0);

  const start = async () => {
    const { round } = await startRun({
      name: 'by taste',
      mode: 'single',
      method: 'ddpo',
      pipeline: pipeline.folder,
      createdBy: null,
      startPolicyId: base.id,
      config: {
        ...config,
        rewards: [
          { model: model.id, normalize: true },
          { model: 'compressibility', weight: 0.5 },
        ],
        reward: { optimiserSteps: 2, imagesPerStep: 4 },
        ddpo: { updatesPerDraw: 2 },
      },
    });
    return round;
  };
  const round = await start();
  await untilRound(round.id, ({ state }) => state === 'done');
  const [step] = await trainStepsOf(round.id);
  expect(Object.keys(step?.metrics.rewardParts ?? {})).toEqual([
    model.imported?.name,
    expect.stringMatching(/^compressibility \(file/),
  ]);
  const { manifest: kept } = await getRound(round.id);
  const trial = rewardTrialSchema.parse(kept?.rewards);
  expect(Object.keys(trial.scales)).toEqual([model.id]);
  expect(trial.scales[model.id]?.std).toBeGreaterThan(0);
  const [evaluation] = await evaluationsOf({ roundId: round.id });
  expect(evaluation?.summary.reward?.name).toContain('compressibility');

  await writeModel({ ...manifest, version: '2' }, {}, folder);
  const changed = await start();
  const failed = await untilRound(changed.id, ({ state }) => state === 'failed');
  expect(failed.error).toMatch(/taste \(aesthetic 2.+ now, but taste \(aesthetic 1.+ was imported/);
});

it('says what is wrong with a folder, and never takes the judge for a reward', async () => {
  expect((await bring('models/taste')).error).toMatch(/"models\/taste" is no absolute path/);
  const empty = await bring('/nowhere/at/all');
  expect(empty).toMatchObject({ state: 'failed' });
  expect(empty.error).toMatch(/reward\.json/);
  const engine = await Engine.open({ device: 'cpu' });
  try {
    const folder = await mkdtemp(join(tmpdir(), 'darkroom-judge-'));
    await copyFile(judgePath('a'), join(folder, 'beauty.onnx'));
    await expect(tryImported(engine, 'hands', folder)).rejects.toThrow(
      /beauty\.onnx is the judge that measures the policies of hands/,
    );
  } finally {
    await engine.close();
  }
});
