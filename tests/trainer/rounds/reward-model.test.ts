import { copyFile, mkdtemp, open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { db, schema } from '@/db/client';
import {
  cancelRewardModel,
  getRewardModel,
  type RewardModel,
  requestRewardModel,
} from '@/db/rewards/reward-models';
import { evaluationsOf, trainStepsOf } from '@/db/rounds/metrics';
import { getRound } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { rewardTrialSchema } from '@/lib/rewards';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { dtypeNumber } from '@/trainer/graph/onnx/dtypes';
import { judgePath } from '@/trainer/hands/judge/judge';
import { parseHead } from '@/trainer/rewards/learned/head';
import { tryImported } from '@/trainer/rounds/rewards/import-model';
import { Engine } from '@/trainer/runtime/engine';
import { head, imageTower, size, tokenLength, writeModel } from '../rewards/imported/models';
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

it('reads nothing of a folder but what its manifest names', async () => {
  const home = await mkdtemp(join(tmpdir(), 'darkroom-somebody-'));
  // A terabyte of nothing: whoever reads it sits there for hours.
  const archive = await open(join(home, 'archive.onnx'), 'w');
  await archive.truncate(2 ** 40);
  await archive.close();
  expect((await bring(home)).error).toMatch(/reward\.json cannot be read/);

  const manifest = {
    name: 'taste',
    version: '1',
    layout: 'aesthetic',
    image: { file: 'image.onnx', size },
    head: { file: 'head.onnx' },
  };
  await writeModel(manifest, { 'image.onnx': imageTower(), 'head.onnx': head() }, home);
  expect(await bring(home)).toMatchObject({ state: 'ready', error: null });
  await writeModel({ ...manifest, image: { file: 'archive.onnx' } }, {}, home);
  expect((await bring(home)).error).toMatch(/files are 1099.5 GB or more.+half precision/);
});

/**
 * A text tower that takes minutes: matrices that nothing can compute ahead, for they hang on the
 * prompt.
 */
function slowTower(): Graph {
  const b = new Builder('slow');
  const ids = b.input('input_ids', 'int64', [1, tokenLength]);
  const small = b.scale(b.op('Cast', [ids], { to: dtypeNumber('float32') }), 1e-12);
  const sum = b.reshape(b.reduceSum(small, [1], false), [1, 1]);
  let matrix = b.op('Expand', [sum, b.ints([4096, 4096])]);
  for (let i = 0; i < 400; i++) matrix = b.matmul(matrix, matrix);
  b.output(b.slice(b.slice(matrix, 0, 0, 1), 1, 0, 6), 'text_embeds');
  return b.finish();
}

it('makes a model beside the rounds, and puts it down at once where it is cancelled', async () => {
  const base = await baseOn(pipeline.folder);
  const text = { file: 'text.onnx', length: tokenLength };
  const said = { name: 'slow', version: '2.0', layout: 'hpsv2', text };
  const slow = await writeModel(
    { ...said, image: { file: 'image.onnx', size } },
    { 'image.onnx': imageTower(), 'text.onnx': slowTower() },
  );
  const { id } = await requestRewardModel({
    pipeline: pipeline.folder,
    source: 'imported',
    folder: slow,
    createdBy: null,
  });
  const isMaking = async () => (await getRewardModel(id)).state === 'training';
  while (!(await isMaking())) await new Promise((resolve) => setTimeout(resolve, 20));
  const round = await startRunFrom(base, config);
  await untilRound(round.id, ({ state }) => state === 'labeling');
  expect(await isMaking()).toBe(true);
  await cancelRewardModel(id, null);
  expect((await bring('/nowhere/at/all')).error).toMatch(/reward\.json/);
  expect(await getRewardModel(id)).toMatchObject({ state: 'cancelled', error: null });
  const work = db().select().from(schema.work).where(eq(schema.work.rewardModelId, id)).all();
  expect(work).toMatchObject([{ kind: 'import-reward', state: 'cancelled', attempts: 1 }]);
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
    const image = { file: 'beauty.onnx' };
    const said = { name: 'beauty', version: '1', layout: 'plain', image };
    await writeFile(join(folder, 'reward.json'), JSON.stringify(said));
    await expect(tryImported(engine, 'hands', folder)).rejects.toThrow(
      /beauty\.onnx is the judge that measures the policies of hands/,
    );
  } finally {
    await engine.close();
  }
});
