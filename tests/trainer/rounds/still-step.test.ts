/**
 * A schedule without an offset ends in a step at t = 0, which moves nothing: no method may train on
 * it, or fail because of it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { getPolicy } from '@/db/policies/policies';
import { trainStepsOf } from '@/db/rounds/metrics';
import { getRound } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { listSamples } from '@/db/rounds/samples';
import type { RunConfigInput } from '@/lib/settings/run-config';
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

beforeAll(async () => {
  const file = join(pipeline.folder, 'scheduler/scheduler_config.json');
  const schedule = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...schedule, steps_offset: 0 }));
});

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 2, pairsPerRound: 2 },
  rewards: [{ model: 'brightness' }],
  evaluation: { images: 2 },
} satisfies RunConfigInput;

/** Timesteps that a finished round was trained at. */
async function trainedAt(roundId: string) {
  const steps = await trainStepsOf(roundId, { perTimestep: true });
  return new Set(steps.flatMap(({ timestep }) => timestep ?? []));
}

it('trains D3PO on the steps before it, from answers that people gave', async () => {
  const round = await startRunFrom(await baseOn(pipeline.folder), {
    ...config,
    d3po: { timestepWeighting: 'equal-kl' },
  });
  await untilRound(round.id, ({ state }) => state === 'labeling');
  await labelEverything();
  await untilRound(round.id, ({ state }) => state === 'done');
  expect(await trainedAt(round.id)).toEqual(new Set([666, 333]));
  // What is made of the scheduler file is said of the policy from the first time it is opened.
  expect((await getPolicy(round.startPolicyId)).manifest.schedule).toMatch(
    /^DDIMScheduler, .+ steps spaced leading with offset 0; nothing is clipped$/,
  );
});

const follow = async (method: 'dpok' | 'spo' | 'draft-lv' | 'draft-plus', more: RunConfigInput) => {
  const base = await baseOn(pipeline.folder);
  const { round } = await startRun({
    name: method,
    mode: 'single',
    method,
    pipeline: pipeline.folder,
    createdBy: null,
    startPolicyId: base.id,
    config: more,
  });
  return round;
};

it('draws and trains by policy gradient', async () => {
  const round = await follow('dpok', {
    ...config,
    reward: { optimiserSteps: 2, imagesPerStep: 2 },
    dpok: { updatesPerDraw: 2 },
  });
  await untilRound(round.id, ({ state }) => state === 'done');
  expect(await trainedAt(round.id)).toEqual(new Set([666, 333]));
});

it('forms pairs by SPO, and says before drawing where none could be formed', async () => {
  const spo = { updatesPerDraw: 1, threshold: 0, startStep: 1 };
  const reward = { optimiserSteps: 1, imagesPerStep: 4 };
  const round = await follow('spo', { ...config, reward, spo });
  await untilRound(round.id, ({ state }) => state === 'done');
  expect(await trainedAt(round.id)).toEqual(new Set([333]));

  const late = await follow('spo', { ...config, reward, spo: { ...spo, startStep: 2 } });
  const { error } = await untilRound(late.id, ({ state }) => state === 'failed');
  expect(error).toMatch(/spo\.startStep is 2.+steps 0 to 1.+stays at its noise level/);
});

it.each([
  ['draft-lv', {}],
  ['draft-plus', { 'draft-plus': { truncation: 1, klForm: 'transition' } }],
] as const)('follows a reward through the last step that moves, by %s', async (method, more) => {
  const round = await follow(method, {
    ...config,
    ...more,
    reward: { optimiserSteps: 2, imagesPerStep: 2 },
  });
  await untilRound(round.id, ({ state }) => state === 'done');
  for (const { metrics } of await trainStepsOf(round.id)) {
    // At t = 0 it would be rounding.
    expect(metrics.gradNorm).toBeGreaterThan(1e-4);
    expect(metrics.kl).toBeGreaterThanOrEqual(0);
  }
});

it('says before anything is drawn that no step could be trained', async () => {
  const file = join(pipeline.folder, 'scheduler/scheduler_config.json');
  const schedule = JSON.parse(await readFile(file, 'utf8'));
  const flat = [0.01, ...Array<number>(999).fill(1e-9)];
  await writeFile(file, JSON.stringify({ ...schedule, trained_betas: flat }));
  const round = await startRunFrom(await baseOn(pipeline.folder), config);
  await untilRound(round.id, ({ state }) => state === 'failed');
  expect((await getRound(round.id)).error).toMatch(/no step to train.+other betas/);
  expect(await listSamples({ roundId: round.id })).toEqual([]);
});
