import { expect, it } from 'vitest';
import { badByScores, scoresAreGraded } from '@/lib/exchange/scores';

it.each([
  [[1, 0, 1], [1], false],
  [[-1, -1, 2], [0, 1], false],
  [[0.5, 0.5], null, false],
  [[3, 1, 2], [1], true],
  [[1, 2, 3, 10], [0, 1, 2], true],
])('of scores %j are bad %j', (scores, bad, graded) => {
  expect(badByScores(scores)).toEqual(bad);
  expect(scoresAreGraded(scores)).toBe(graded);
});
