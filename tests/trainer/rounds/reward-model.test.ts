import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { getBlob } from '@/db/blobs';
import { trainStepsOf } from '@/db/metrics';
import { getRewardModel, type RewardModel, requestRewardModel } from '@/db/reward-models';
import { startRun } from '@/db/runs';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { parseHead } from '@/trainer/rewards/learned/head';
import { Worker } from '@/trainer/rounds/worker';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  untilRound,
  withHomes,
  withTinyPipeline,
} from './support';

const pipeline = withTinyPipeline();
const homes = withHomes();
const worker = new Worker({ device: 'cpu', adapter: undefined }, pino({ level: 'silent' }));
let working: Promise<void>;

beforeAll(async () => {
  await homes.make();
  working = worker.run();
});
afterAll(async () => {
  worker.stop();
  await working;
});

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
  expect(curve.every(({ metrics }) => Number.isFinite(metrics.reward))).toBe(true);
});
