import { expect, it } from 'vitest';
import { trainingPairsOf } from '@/db/answers/training-data';
import { annotatorReports } from '@/db/figures/annotators';
import { defectRates } from '@/db/figures/review';
import { getRound } from '@/db/rounds/rounds';
import { listSamples } from '@/db/rounds/samples';
import { parseRunConfig } from '@/lib/settings/run-config';
import { planGold, spoil } from '@/trainer/rounds/draw/gold';
import { planSampling } from '@/trainer/rounds/draw/plan';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  startTrainer,
  untilRound,
  withHomes,
  withTinyPipeline,
} from '../support';

const pipeline = withTinyPipeline();
const homes = withHomes();

const goldOf = (goldShare: number, pairSource: 'pairs' | 'groups' = 'pairs') => {
  const config = parseRunConfig({
    ...quickConfig,
    sampling: { ...quickConfig.sampling, pairSource },
    labeling: { goldShare },
  });
  const round = { id: 'round', ordinal: 1, config };
  return planGold(round, planSampling(round));
};

it('plans the share of gold that was asked for, alike again', () => {
  expect(goldOf(0)).toEqual([]);
  expect(goldOf(0.5)).toHaveLength(3);
  expect(goldOf(0.2)).toHaveLength(2);
  expect(goldOf(0.5)).toEqual(goldOf(0.5));
  for (const pair of goldOf(0.5)) {
    expect(pair.goldSampleId).toBe(pair.sampleAId);
    expect(pair.sampleBId).not.toBe(pair.sampleAId);
  }
  expect(goldOf(0.5, 'groups')).toEqual([]);
});

it('spoils an image by moving twelve of its tiles', () => {
  const [width, height] = [20, 16];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => i % 251);
  const spoiled = spoil({ width, height, data }, 'seed');
  const tileOf = (pixel: number) =>
    Math.floor(Math.floor(pixel / width) / 2) * 8 + Math.floor((pixel % width) / 2);
  const changed = new Set(
    [...data.keys()]
      .filter((i) => spoiled.data[i] !== data[i])
      .map((i) => tileOf(Math.floor(i / 3))),
  );
  expect(changed.size).toBe(12);
  expect([...spoiled.data].sort()).toEqual([...data].sort());
});

it('measures annotators in a round, and trains and rates nothing by it', async () => {
  await homes.make();
  const base = await baseOn(pipeline.folder);
  const round = await startRunFrom(base, {
    ...quickConfig,
    sampling: { ...quickConfig.sampling, inferenceSteps: 2 },
    labeling: { undoWindowSeconds: 0, goldShare: 0.5 },
  });
  const trainer = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'labeling', trainer);
  const gold = await listSamples({ roundId: round.id, purpose: 'gold' });
  expect(gold).toHaveLength(3);
  expect(gold.every(({ trajectoryBlob }) => trajectoryBlob === null)).toBe(true);

  await labelEverything();
  await untilRound(round.id, ({ state }) => state === 'done', trainer);
  const { annotators } = await annotatorReports();
  const answers = annotators[0]?.figures.answers ?? 0;
  expect(annotators[0]?.figures.gold.n).toBe(answers - 6);
  expect((await getRound(round.id)).progress.labeled).toBe(6);
  const spoiled = new Set(gold.map(({ id }) => id));
  const data = JSON.stringify(await trainingPairsOf(round.id));
  expect([...spoiled].some((id) => data.includes(id))).toBe(false);
  const {
    rates: [rates],
  } = await defectRates({ pipeline: pipeline.folder });
  expect(rates?.images).toBe(12 + 8);
});
