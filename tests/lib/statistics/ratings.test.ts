import { describe, expect, it } from 'vitest';
import { type Comparison, rate } from '@/lib/statistics/ratings';
import { createRandom } from '@/trainer/random';

function said(
  left: string,
  right: string,
  counts: { left?: number; right?: number; tie?: number },
): Comparison[] {
  return (['left', 'right', 'tie'] as const).flatMap((answer) =>
    Array.from({ length: counts[answer] ?? 0 }, (_, i) => ({
      left,
      right,
      answer,
      cluster: `${left} ${right} ${answer} ${i}`,
    })),
  );
}

/** Answers of a world in which versions have these strengths, drawn by a seed. */
function world({
  strengths,
  perPair,
  side = 0,
  tie = -0.5,
  seed,
  people = 1,
}: {
  strengths: Record<string, number>;
  perPair: number;
  side?: number;
  tie?: number;
  seed: number;
  /** That answer each pair alike. */
  people?: number;
}): Comparison[] {
  const random = createRandom(seed);
  const versions = Object.keys(strengths);
  const answers: Comparison[] = [];
  for (const [i, one] of versions.entries()) {
    for (const other of versions.slice(i + 1)) {
      for (let pair = 0; pair < perPair; pair++) {
        const [left, right] = random.next() < 0.5 ? [one, other] : [other, one];
        const lead = strengths[left]! - strengths[right]! + side;
        const weights = [Math.exp(lead / 2), Math.exp(-lead / 2), Math.exp(tie)];
        const drawn = random.next() * weights.reduce((sum, weight) => sum + weight);
        const answer =
          drawn < weights[0]! ? 'left' : drawn < weights[0]! + weights[1]! ? 'right' : 'tie';
        const cluster = `${one} ${other} ${pair}`;
        for (let person = 0; person < people; person++) {
          answers.push({ left, right, answer, cluster });
        }
      }
    }
  }
  return answers;
}

describe('two versions', () => {
  it('rate by the odds that were seen, as ties, sides and a wide prior leave them', () => {
    const seen = [
      ...said('new', 'base', { left: 3000, right: 1500, tie: 500 }),
      ...said('base', 'new', { left: 1500, right: 3000, tie: 500 }),
    ];
    const { versions, leftShare } = rate(seen, 'base')!;
    const [best, last] = versions;
    expect(best!.version).toBe('new');
    expect(best!.rating.rate).toBeCloseTo(Math.log(2), 3);
    expect(best!.againstAnchor.rate).toBeCloseTo(0.65, 3);
    expect(best!.ranks).toEqual({ best: 1, worst: 1 });
    expect(best!.answers).toBe(10_000);
    expect(last).toMatchObject({ version: 'base', rating: { rate: 0, low: 0, high: 0 } });
    expect(leftShare.rate).toBeCloseTo(0.5, 6);
    // Of n independent answers with the chances a, b of a win and a loss the log of their ratio has
    // the deviation √((1/a + 1/b) / n), whatever the ties (the delta method).
    const deviation = Math.sqrt((1 / 0.6 + 1 / 0.3) / 10_000);
    expect((best!.rating.high - best!.rating.low) / 2).toBeCloseTo(1.96 * deviation, 3);
  });

  it('are not told apart by the side on which one of them stood', () => {
    // All on one side: three quarters for the left, whoever stands there.
    const seen = [
      ...said('one', 'other', { left: 300, right: 100 }),
      ...said('other', 'one', { left: 300, right: 100 }),
    ];
    const { versions, leftShare } = rate(seen, 'one')!;
    expect(versions.find(({ version }) => version === 'other')!.rating.rate).toBeCloseTo(0, 6);
    expect(leftShare.rate).toBeCloseTo(0.75, 2);
    expect(leftShare.low).toBeGreaterThan(0.7);
  });

  it('have an end where one won every time, and more than a little doubt', () => {
    const { versions } = rate(said('new', 'base', { left: 8 }), 'base')!;
    const { rating, ranks } = versions[0]!;
    expect(rating.rate).toBeGreaterThan(1);
    expect(rating.rate).toBeLessThan(8);
    expect(rating.low).toBeLessThan(0.5);
    expect(ranks).toEqual({ best: 1, worst: 2 });
  });
});

describe('many versions', () => {
  it('rate as in a direct maximisation of the posterior', () => {
    const seen = world({
      strengths: { base: 0, a: 0.8, b: -0.4, c: 1.5 },
      perPair: 40,
      side: 0.3,
      seed: 3,
    });
    const { versions, leftShare } = rate(seen, 'base')!;
    const found = (name: string) => versions.find(({ version }) => version === name)!.rating.rate;
    const values = { base: 0, a: found('a'), b: found('b'), c: found('c') };
    const side = Math.log(leftShare.rate / (1 - leftShare.rate));
    const height = (of: Record<string, number>, tie: number) => {
      let sum = 0;
      for (const { left, right, answer } of seen) {
        const lead = of[left]! - of[right]! + of.side!;
        const all = Math.exp(lead / 2) + Math.exp(-lead / 2) + Math.exp(tie);
        const log = { left: lead / 2, right: -lead / 2, tie }[answer];
        sum += log - Math.log(all);
      }
      for (const value of [of.a!, of.b!, of.c!, of.side!, tie]) sum -= value ** 2 / 18;
      return sum;
    };
    // The tie's parameter is not told: it is the best one for what is.
    const ties = Array.from({ length: 4001 }, (_, i) => -2 + i / 1000);
    const at = { ...values, side };
    const tie = ties.reduce((best, t) => (height(at, t) > height(at, best) ? t : best));
    const top = height(at, tie);
    for (const name of ['a', 'b', 'c', 'side'] as const) {
      for (const by of [-0.02, 0.02]) {
        expect(height({ ...at, [name]: at[name] + by }, tie)).toBeLessThan(top);
      }
    }
  });

  it('have intervals that hold the truth as often as they say', () => {
    const strengths = { base: 0, a: 0.6, b: 1.2 };
    let [held, all] = [0, 0];
    for (let seed = 0; seed < 150; seed++) {
      // Two people who always agree are one: the sandwich knows.
      const seen = world({ strengths, perPair: 40, seed, people: 2 });
      for (const { version, rating } of rate(seen, 'base')!.versions) {
        if (version === 'base') continue;
        const truth = strengths[version as keyof typeof strengths];
        if (rating.low <= truth && truth <= rating.high) held++;
        all++;
      }
    }
    expect(held / all).toBeGreaterThan(0.91);
    expect(held / all).toBeLessThan(0.99);
  });

  it('that are alike are not ranked by luck, however many they are', () => {
    const strengths = Object.fromEntries(
      ['base', ...Array.from({ length: 11 }, (_, i) => `twin ${i}`)].map((name) => [name, 0]),
    );
    let lucky = 0;
    for (let seed = 0; seed < 40; seed++) {
      const { versions } = rate(world({ strengths, perPair: 12, seed }), 'base')!;
      if (versions.some(({ ranks }) => ranks.best > 1)) lucky++;
    }
    // At most one world in twenty is to show any difference; eight of forty would be a chance of
    // 1 in 2,000.
    expect(lucky).toBeLessThan(8);
  });

  it('that no chain of comparisons joins to the anchor are left out', () => {
    const seen = [
      ...said('new', 'base', { left: 20, right: 10 }),
      ...said('far', 'away', { left: 20, right: 10 }),
    ];
    const { versions } = rate(seen, 'base')!;
    expect(versions.map(({ version }) => version)).toEqual(['new', 'base']);
    expect(rate(seen, 'unknown')).toBeNull();
    expect(rate([], 'base')).toBeNull();
  });

  it('are worth asking about where little is known and the outcome is open', () => {
    const seen = [
      ...said('a', 'base', { left: 120, right: 80 }),
      ...said('b', 'base', { left: 6, right: 4 }),
      ...said('c', 'base', { left: 190, right: 10 }),
    ];
    const { worth } = rate(seen, 'base')!;
    expect(worth('b', 'base')).toBeGreaterThan(worth('a', 'base'));
    expect(worth('a', 'base')).toBeGreaterThan(worth('base', 'base'));
    expect(worth('a', 'b')).toBeCloseTo(worth('b', 'a'), 12);
    expect(() => worth('a', 'stranger')).toThrow('stranger is not rated');
  });
});
