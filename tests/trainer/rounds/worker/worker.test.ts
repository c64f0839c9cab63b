/** @file A worker whose engines are killed before they have said a word. */
import { expect, it, vi } from 'vitest';
import { getRewardModel, requestRewardModel } from '@/db/rewards/reward-models';
import { killNext, stillToDie } from '../../runtime/killed-while-opening';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  untilRound,
  withTinyPipeline,
  withWorker,
} from '../support';

vi.mock(import('node:child_process'), async (original) => {
  const { deadlySpawn } = await import('../../runtime/killed-while-opening');
  return deadlySpawn(original);
});

const pipeline = withTinyPipeline();
withWorker();

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 4, pairsPerRound: 24 },
  evaluation: { images: 4 },
};

it('opens another engine for a round, and for a reward model', async () => {
  const base = await baseOn(pipeline.folder);
  // As often as a death is forgiven.
  killNext(4);
  const round = await startRunFrom(base, config);
  await untilRound(round.id, ({ state }) => state === 'labeling');
  expect(stillToDie()).toBe(0);

  killNext(2);
  await labelEverything();
  await untilRound(round.id, ({ state }) => state === 'done');
  expect(stillToDie()).toBe(0);

  killNext(2);
  const { id } = await requestRewardModel({
    pipeline: pipeline.folder,
    source: 'picks',
    createdBy: null,
    // The undo window of what was just answered has passed.
    now: Date.now() + 21_000,
  });
  await vi.waitFor(
    async () => expect((await getRewardModel(id)).finishedAt).not.toBeNull(),
    60_000,
  );
  expect(await getRewardModel(id)).toMatchObject({ state: 'ready', error: null });
  expect(stillToDie()).toBe(0);
});

it('gives a round up when its engines die again and again, and says of what', async () => {
  killNext(5);
  const round = await startRunFrom(await baseOn(pipeline.folder), { ...config, seed: 8 });
  const failed = await untilRound(round.id, ({ state }) => state === 'failed');
  expect(failed.error).toMatch(/Starting.+engine was ended by SIGKILL.+memory/);
});
