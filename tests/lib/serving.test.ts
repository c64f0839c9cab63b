import { expect, it } from 'vitest';
import type { EvaluationSummary } from '@/lib/metrics';
import { shouldServe } from '@/lib/serving';

function evaluation(wins: number, n: number): EvaluationSummary {
  return {
    images: n,
    defects: {},
    alignment: null,
    winRate: { wins, ties: 0, n },
    diversity: null,
  };
}

it('serves by rule, and refuses what is worse beyond doubt', () => {
  expect(shouldServe('always', evaluation(0, 100))).toBe(true);
  expect(shouldServe('manual', evaluation(100, 100))).toBe(false);
  expect(shouldServe('not-worse', evaluation(60, 100))).toBe(true);
  expect(shouldServe('not-worse', evaluation(45, 100))).toBe(true);
  expect(shouldServe('not-worse', evaluation(30, 100))).toBe(false);
  expect(shouldServe('not-worse', null)).toBe(true);
});
