import { expect, it } from 'vitest';
import { gradesOf } from '@/lib/training/grades';
import { pairFromAnswers, pairsFromTags } from '@/lib/training/pairing';

const pair = (winner: string, loser: string, weight = 1, smoothing = 0) => ({
  winner: { id: winner },
  loser: { id: loser },
  weight,
  smoothing,
});

it('grades a picked pair one and zero, and nearer to one half where people disagree', () => {
  expect([...gradesOf([pair('a', 'b')])]).toEqual([
    ['a', 1],
    ['b', 0],
  ]);
  // Two of four for a, one for b, one tie: a won half of its comparisons and a half more.
  const answers = pairFromAnswers(
    { sampleAId: 'a', sampleBId: 'b' },
    ['a', 'a', 'b', null],
    'agreement',
  )!;
  expect(gradesOf([pair('a', 'b', answers.weight)]).get('a')).toBe((2 + 0.5) / 4);
});

it('counts every other image of a tagged group, those on the same side as ties', () => {
  const pairs = pairsFromTags(['a', 'b', 'c', 'd'], [['d']], 'agreement');
  const grades = gradesOf(pairs.map((p) => pair(p.winnerSampleId, p.loserSampleId, p.weight)));
  // a beat d and tied with b and c.
  expect(grades.get('a')).toBeCloseTo((1 + 0.5 + 0.5) / 3, 12);
  expect(grades.get('d')).toBe(0);
  expect([...grades.values()].reduce((sum, grade) => sum + grade, 0)).toBeCloseTo(2, 12);
});

it('draws a doubtful label to one half', () => {
  expect(gradesOf([pair('a', 'b', 1, 0.1)]).get('a')).toBeCloseTo(0.9, 12);
});
