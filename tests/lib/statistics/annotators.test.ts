import { describe, expect, it } from 'vitest';
import type { Answer } from '@/lib/answers';
import { isTooFast, sideBiasOf } from '@/lib/statistics/annotators';
import { annotatorFigures, type JudgedPair, overallAgreement } from '../../support/judged-pairs';

describe('sideBiasOf', () => {
  it('accuses nobody on few answers, and somebody who always goes one way on twenty', () => {
    expect(sideBiasOf({ left: 3, decided: 3 }).biased).toBe(false);
    expect(sideBiasOf({ left: 20, decided: 20 }).biased).toBe(true);
    expect(sideBiasOf({ left: 0, decided: 20 }).biased).toBe(true);
    expect(sideBiasOf({ left: 52, decided: 100 }).biased).toBe(false);
    expect(sideBiasOf({ left: 0, decided: 0 })).toMatchObject({ interval: null, biased: false });
  });
});

describe('isTooFast', () => {
  it('doubts who decides faster than one can look, once there are enough decisions', () => {
    const fast = { median: 300, low: 250, high: 380, n: 40 };
    expect(isTooFast(fast)).toBe(true);
    expect(isTooFast({ ...fast, n: 3 })).toBe(false);
    expect(isTooFast({ ...fast, high: 900 })).toBe(false);
    expect(isTooFast(null)).toBe(false);
  });
});

function judged(pairId: string, annotatorId: string, verdict: string, gold: string | null = null) {
  const answer: Answer = verdict === 'tie' ? 'tie' : 'left';
  return { pairId, annotatorId, verdict, answer, gold, decisionMs: 100 } satisfies JudgedPair;
}

describe('annotatorFigures', () => {
  it('compares verdicts, not sides, with everybody else on the same pairs', () => {
    const all = [
      judged('p', 'ann', 'x'),
      judged('p', 'bob', 'x'),
      judged('p', 'eve', 'y'),
      judged('q', 'ann', 'tie'),
    ];
    const figures = annotatorFigures(all);
    expect(figures.get('ann')).toMatchObject({
      answers: 2,
      decisionMs: { median: 100, n: 2 },
      agreement: { count: 1, n: 2 },
      ties: { count: 1, n: 2 },
    });
    expect(figures.get('eve')).toMatchObject({ agreement: { count: 0, n: 2 } });
    expect(overallAgreement(all).raw).toEqual({ count: 1, n: 3 });
  });

  it('measures against gold, and calls it no agreement', () => {
    const all = [
      judged('p', 'ann', 'x', 'x'),
      judged('p', 'bob', 'x', 'x'),
      judged('p', 'eve', 'y', 'x'),
    ];
    const figures = annotatorFigures(all);
    expect(figures.get('ann')).toMatchObject({
      gold: { count: 1, n: 1 },
      agreement: { count: 0, n: 0 },
    });
    expect(figures.get('eve')).toMatchObject({ gold: { count: 0, n: 1 } });
    expect(overallAgreement(all).raw).toEqual({ count: 0, n: 0 });
  });
});
