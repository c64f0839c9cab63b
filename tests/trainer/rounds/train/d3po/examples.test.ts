import { expect, it } from 'vitest';
import type { TrainingPair } from '@/db/answers/training-data';
import { bestRunSize, roundExamples } from '@/trainer/rounds/train/d3po/examples';

const sample = (id: string) => ({ id }) as TrainingPair['winner'];
const pair = (ordinal: number, groupId: string | null, winner: string, loser: string, weight = 1) =>
  ({
    ordinal,
    pairId: groupId ? null : `p${ordinal}`,
    groupId,
    prompt: '1 hand',
    winner: sample(winner),
    loser: sample(loser),
    weight,
    smoothing: ordinal / 10,
  }) satisfies TrainingPair;

const group = [pair(0, 'g', 'a', 'b'), pair(1, 'g', 'a', 'c', 0.5), pair(2, 'g', 'd', 'b')];

it('lets the pairs of a group share its images', () => {
  const [example, ...others] = roundExamples(group, 16);
  expect(others).toEqual([]);
  expect(example?.samples.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  expect(example?.comparisons).toEqual([
    { winner: 0, loser: 1, weight: 1, smoothing: 0 },
    { winner: 0, loser: 2, weight: 0.5, smoothing: 0.1 },
    { winner: 3, loser: 1, weight: 1, smoothing: 0.2 },
  ]);
});

it('keeps pairs apart, and groups that do not fit into a run', () => {
  expect(roundExamples([pair(0, null, 'a', 'b'), pair(1, null, 'a', 'c')], 16)).toHaveLength(2);
  const apart = roundExamples(group, 3);
  expect(apart.map(({ samples }) => samples.map(({ id }) => id).join(''))).toEqual([
    'ab',
    'ac',
    'db',
  ]);
  expect(apart.map(({ comparisons }) => comparisons.length)).toEqual([1, 1, 1]);
});

it('chooses the run size that leaves least room empty', () => {
  const examples = roundExamples([pair(0, null, 'a', 'b')], 16);
  const steps = [[{ example: 0, timestepIndices: [0, 1, 2, 3, 4] }]];
  // Five timesteps of a pair: ten images in one run, or one pair at a time where they may not share
  // it.
  expect(bestRunSize(examples, steps, 16, false)).toEqual({
    run: { images: 10, comparisons: 5 },
    runsPerStep: 1,
  });
  expect(bestRunSize(examples, steps, 16, true)).toEqual({
    run: { images: 2, comparisons: 1 },
    runsPerStep: 5,
  });
});
