import { expect, it } from 'vitest';
import { curvesOf, pointOf, trainingAlarm } from '@/app/rounds/[id]/curves';
import type { TrainMetrics } from '@/lib/metrics';

const titles = (metrics: TrainMetrics) =>
  curvesOf([pointOf(0, metrics)]).map(({ title, series }) => [
    title,
    ...(series.length > 1 ? series.map(({ name }) => name) : []),
  ]);

const loss = { loss: 0.5, implicitAccuracy: 0.5, gradNorm: 1 };

it('warns where the prediction has grown beyond 5 %', () => {
  expect(trainingAlarm({})).toBeNull();
  expect(trainingAlarm({ normRatio: 1.05 })).toBeNull();
  expect(trainingAlarm({ normRatio: 1.08 })).toMatch(/1\.08 times/);
});

it.each([
  [
    'a reward',
    { loss: 1, reward: 1, kl: 0, gradNorm: 1 },
    [['Reward'], ['Loss'], ['KL to the reference'], ['Gradient norm']],
  ],
  [
    'a reward of two terms',
    { loss: 1, reward: 1, rewardParts: { taste: 2, brightness: 0.5 }, gradNorm: 1 },
    [['Reward'], ['taste'], ['brightness'], ['Loss'], ['Gradient norm']],
  ],
  [
    'picks',
    { ...loss, logRatioWinner: 0, logRatioLoser: 0, clipFraction: 0, kl: 0 },
    [
      ['Loss'],
      ['Implicit accuracy'],
      ['Log-ratio to the reference', 'Winner', 'Loser'],
      ['Clip fraction'],
      ['KL to the reference'],
      ['Gradient norm'],
    ],
  ],
  [
    'picks that move by their difference',
    { ...loss, ratioWinner: 1, ratioLoser: 1, kl: 0 },
    [
      ['Loss'],
      ['Implicit accuracy'],
      ['Ratio to what was recorded', 'Winner', 'Loser'],
      ['KL to the reference'],
      ['Gradient norm'],
    ],
  ],
  [
    'pairs of finished images',
    { ...loss, excessWinner: 0, excessLoser: 0 },
    [
      ['Loss'],
      ['Implicit accuracy'],
      ['Error beyond the reference', 'Winner', 'Loser'],
      ['Gradient norm'],
    ],
  ],
  [
    'graded images',
    { ...loss, normRatio: 1, excessAbove: 0, excessBelow: 0 },
    [
      ['Loss'],
      ['Implicit accuracy'],
      ['Error beyond the reference', 'Won more', 'Won less'],
      ['Ratio of norms'],
      ['Gradient norm'],
    ],
  ],
  [
    'single images, all good ones',
    { ...loss, excessGood: 0, baseline: 0 },
    [
      ['Loss'],
      ['Implicit accuracy'],
      ['Error beyond the reference', 'Good', 'Bad'],
      ['Baseline'],
      ['Gradient norm'],
    ],
  ],
] as [string, TrainMetrics, string[][]][])(
  'draws what %s logs, each once',
  (_, metrics, wanted) => {
    expect(titles(metrics)).toEqual(wanted);
  },
);
