import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allPairs, pairFromAnswers, pairsFromTags, votesFromTags } from '@/lib/training/pairing';

const pair = { sampleAId: 'a', sampleBId: 'b' };

describe('pairFromAnswers', () => {
  it('weighs a majority by its margin, ties and both bad standing for neither', () => {
    expect(pairFromAnswers(pair, ['b'], 'agreement')).toEqual({
      winnerSampleId: 'b',
      loserSampleId: 'a',
      weight: 1,
    });
    expect(pairFromAnswers(pair, ['a', 'a', 'b'], 'agreement')?.weight).toBeCloseTo(1 / 3);
    expect(pairFromAnswers(pair, ['a', null], 'agreement')?.weight).toBe(0.5);
    expect(pairFromAnswers(pair, ['a', null], 'majority')?.weight).toBe(1);
  });

  it('makes nothing of a draw', () => {
    expect(pairFromAnswers(pair, [], 'agreement')).toBeNull();
    expect(pairFromAnswers(pair, [null], 'majority')).toBeNull();
    expect(pairFromAnswers(pair, ['a', 'b'], 'majority')).toBeNull();
  });

  it('turns round when everybody turns round, and never outweighs 1', () => {
    const answers = fc.array(fc.constantFrom('a', 'b', null), { maxLength: 9 });
    fc.assert(
      fc.property(answers, (preferred) => {
        const turned = preferred.map((id) => id && (id === 'a' ? 'b' : 'a'));
        const one = pairFromAnswers(pair, preferred, 'agreement');
        const other = pairFromAnswers(pair, turned, 'agreement');
        expect(other?.winnerSampleId).toBe(one?.loserSampleId);
        expect(other?.weight).toBe(one?.weight);
        if (one) expect(one.weight > 0 && one.weight <= 1).toBe(true);
      }),
    );
  });
});

describe('pairsFromTags', () => {
  const group = ['1', '2', '3', '4', '5', '6', '7'];

  it('lets untagged beat tagged: six pairs for one bad image of seven', () => {
    const made = pairsFromTags(group, [['4']], 'agreement');
    expect(made).toHaveLength(6);
    expect(made.every((one) => one.loserSampleId === '4' && one.weight === 1)).toBe(true);
  });

  it('says nothing within either set, nor when nobody has looked', () => {
    expect(pairsFromTags(group, [[]], 'agreement')).toEqual([]);
    expect(pairsFromTags(group, [group], 'agreement')).toEqual([]);
    expect(pairsFromTags(group, [], 'agreement')).toEqual([]);
  });

  it('makes good × bad pairs, and weighs them by the share of people', () => {
    fc.assert(
      fc.property(fc.subarray(group), (bad) => {
        const made = pairsFromTags(group, [bad], 'agreement');
        expect(made).toHaveLength(bad.length * (group.length - bad.length));
      }),
    );
    const made = pairsFromTags(['x', 'y'], [['y'], []], 'agreement');
    expect(made).toEqual([{ winnerSampleId: 'x', loserSampleId: 'y', weight: 0.5 }]);
  });
});

it('votesFromTags counts who told two images apart, and who saw it the other way round', () => {
  const taggings = [
    { annotatorId: 'ann', taggedSampleIds: ['bad'] },
    { annotatorId: 'bob', taggedSampleIds: ['bad', 'good', 'other'] },
    { annotatorId: 'eve', taggedSampleIds: ['good'] },
    { annotatorId: 'joe', taggedSampleIds: [] },
  ];
  const pair = { winnerSampleId: 'good', loserSampleId: 'bad' };
  expect(votesFromTags(pair, taggings)).toEqual({ for: ['ann'], against: ['eve'] });
});

it('allPairs names every unordered pair once', () => {
  expect(allPairs(['1', '2', '3'])).toEqual([
    ['1', '2'],
    ['1', '3'],
    ['2', '3'],
  ]);
  expect(allPairs(Array.from({ length: 7 }, (_, i) => i))).toHaveLength(21);
});
