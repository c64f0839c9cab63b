import { describe, expect, it } from 'vitest';
import type { Answer } from '@/lib/answers';
import {
  annotatorFigures,
  type JudgedPair,
  overallAgreement,
  sideBias,
} from '@/lib/statistics/annotators';

const repeat = (answer: Answer, times: number) => Array<Answer>(times).fill(answer);

describe('sideBias', () => {
  it('accuses nobody on few answers, and somebody who always goes left on twenty', () => {
    expect(sideBias(repeat('left', 3)).biased).toBe(false);
    expect(sideBias(repeat('left', 20)).biased).toBe(true);
    expect(sideBias(repeat('right', 20)).biased).toBe(true);
    expect(sideBias([...repeat('left', 52), ...repeat('right', 48)]).biased).toBe(false);
  });

  it('leaves ties and both bad aside', () => {
    const bias = sideBias([...repeat('tie', 50), 'left', 'right', ...repeat('both-bad', 9)]);
    expect(bias).toMatchObject({ left: 1, decided: 2 });
    expect(sideBias(repeat('tie', 5)).interval).toBeNull();
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
