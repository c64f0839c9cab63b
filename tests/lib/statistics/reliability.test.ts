import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from '@/lib/answers';
import {
  annotatorErrorRates,
  type KnownAnswer,
  labelError,
  type Votes,
} from '@/lib/statistics/reliability';
import { createRandom } from '@/trainer/random';

const prior = 0.2;

function judged(pairId: string, annotatorId: string, verdict: string, gold: string | null = null) {
  const answer: Answer = verdict === 'tie' || verdict === 'both-bad' ? verdict : 'left';
  return { pairId, annotatorId, verdict, answer, gold } satisfies KnownAnswer;
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('a label', () => {
  const rates = fc.array(fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), { maxLength: 6 });
  const doubtOf = (forRates: readonly number[], againstRates: readonly number[]) => {
    const all = [...forRates, ...againstRates];
    const ids = all.map((_, i) => `${i}`);
    const votes: Votes = {
      for: ids.slice(0, forRates.length),
      against: ids.slice(forRates.length),
    };
    return labelError(votes, (id) => all[Number(id)]!);
  };

  it('is doubted in [0, 0.5)', () => {
    fc.assert(
      fc.property(rates, rates, (yes, no) => {
        const doubt = doubtOf(yes, no);
        expect(doubt).toBeGreaterThanOrEqual(0);
        expect(doubt).toBeLessThan(0.5);
      }),
    );
  });

  it('is doubted less, the more reliable those who gave it and the less those who did not', () => {
    const better = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(rates, rates, better, (yes, no, share) => {
        const doubt = doubtOf(yes, no);
        const improved = (all: readonly number[]) =>
          all.map((rate, i) => (i === 0 ? Math.max(1e-6, rate * share) : rate));
        expect(doubtOf(improved(yes), no)).toBeLessThanOrEqual(doubt + 1e-12);
        expect(doubtOf(yes, improved(no))).toBeGreaterThanOrEqual(doubt - 1e-12);
        expect(doubtOf([...yes, 0.3], no)).toBeLessThanOrEqual(doubt + 1e-12);
      }),
    );
  });

  it('is what independent answers make it', () => {
    expect(doubtOf([prior], [])).toBeCloseTo(prior, 12);
    // 0.95³ against 0.05³.
    expect(doubtOf([0.05, 0.05, 0.05], [])).toBeCloseTo(0.05 ** 3 / (0.95 ** 3 + 0.05 ** 3), 12);
    // Two against one of a kind leave the doubt in one.
    expect(doubtOf([0.1, 0.1], [0.1])).toBeCloseTo(0.1, 12);
    // One reliable person against two unsure ones: the majority's label means nothing, but is not
    // turned round.
    expect(doubtOf([0.4, 0.4], [0.02])).toBe(0.499);
    // Worse than chance counts as chance.
    expect(doubtOf([0.1, 0.9], [])).toBeCloseTo(0.1, 12);
  });
});

describe('an annotator', () => {
  it('of whom nothing is known errs as the prior says', () => {
    expect(annotatorErrorRates([], prior)('ann')).toBe(prior);
    // Judged alone, or undecided.
    const silent = [judged('p', 'ann', 'x'), judged('q', 'ann', 'tie'), judged('q', 'bob', 'x')];
    expect(annotatorErrorRates(silent, prior)('ann')).toBeCloseTo(prior, 12);
  });

  it('is known by gold, of which a tie is wrong', () => {
    const gold = (right: number, wrong: string[]) =>
      annotatorErrorRates(
        [...range(right).map(() => 'x'), ...wrong].map((verdict, i) =>
          judged(`g${i}`, 'ann', verdict, 'x'),
        ),
        prior,
      )('ann');
    // Ten answers of the prior, two of them wrong.
    expect(gold(40, [])).toBeCloseTo(2 / 50, 12);
    expect(gold(30, ['y', 'tie'])).toBeCloseTo(4 / 42, 12);
    expect(gold(10, [])).toBeGreaterThan(gold(20, []));
  });

  it('is known by agreement: who errs how often is found without gold', () => {
    const random = createRandom(7);
    const truth: Record<string, number> = { ann: 0.05, bob: 0.1, eve: 0.15, joe: 0.3, sly: 0.5 };
    const all = range(600).flatMap((pair) =>
      Object.entries(truth).map(([id, rate]) =>
        judged(`p${pair}`, id, random.next() < rate ? `worse${pair}` : `better${pair}`),
      ),
    );
    const rateOf = annotatorErrorRates(all, prior);
    for (const [id, rate] of Object.entries(truth)) {
      expect(Math.abs(rateOf(id) - rate)).toBeLessThan(0.04);
    }
    expect(labelError({ for: ['ann', 'bob', 'eve'], against: [] }, rateOf)).toBeLessThan(0.005);
    expect(labelError({ for: ['joe', 'sly'], against: ['ann'] }, rateOf)).toBe(0.499);
  });

  it('is judged the same whatever the order of answers', () => {
    const random = createRandom(9);
    const all = range(40).flatMap((pair) =>
      ['ann', 'bob', 'eve'].map((id) => judged(`p${pair}`, id, random.next() < 0.2 ? 'x' : 'y')),
    );
    const [there, back] = [all, [...all].reverse()].map((one) => annotatorErrorRates(one, prior));
    for (const id of ['ann', 'bob', 'eve']) {
      expect(there?.(id)).toBeCloseTo(back?.(id) as number, 9);
    }
  });
});
