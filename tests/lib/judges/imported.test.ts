import { describe, expect, it } from 'vitest';
import { beliefIn } from '@/lib/judges/belief';
import { importedJudges, importedName, partSettings, withPart } from '@/lib/judges/imported';
import { judgeSchema } from '@/lib/judges/judging';
import { type JudgePart, partKinds } from '@/lib/judges/parts';
import { cohensKappa } from '@/lib/statistics/agreement';

const hash = (digit: string) => digit.repeat(64);
const part = (kind: JudgePart['kind'], digit: string): JudgePart => ({
  kind,
  source: `${kind} 1.0`,
  networks: { one: hash(digit) },
  settings: partSettings(kind, {}),
});

describe('a declaration with parts', () => {
  it('can be kept, whatever the parts', () => {
    const both = withPart(withPart(null, part('nsfw', 'a')), part('hands', 'b'));
    expect(judgeSchema.parse(both)).toEqual(both);
    expect(both.imported?.map(({ kind }) => kind)).toEqual([...partKinds]);
    expect(both.measures).toHaveLength(
      importedJudges.hands.measures.length + importedJudges.nsfw.measures.length,
    );
  });

  it('has one part of a kind: the newest', () => {
    const again = withPart(withPart(null, part('nsfw', 'a')), part('nsfw', 'b'));
    expect(again.imported).toMatchObject([{ networks: { one: hash('b') } }]);
  });

  it('names apart what may say different things', () => {
    const [a, b] = [part('nsfw', 'a'), part('nsfw', 'b')];
    const stricter = { ...a, settings: partSettings('nsfw', { threshold: 0.2 }) };
    const names = [[a], [b], [stricter], [a, part('hands', 'c')]].map(importedName);
    expect(new Set(names).size).toBe(4);
    expect(importedName([{ ...a }])).toBe(names[0]);
  });
});

describe('how far it is believed', () => {
  const of = (both: number, firstOnly: number, secondOnly: number, neither: number) => ({
    both,
    firstOnly,
    secondOnly,
    neither,
  });

  it.each([
    ['nothing was compared', of(0, 0, 0, 0), 'unknown'],
    ['it marks nothing', of(0, 0, 20, 80), 'unknown'],
    ['few images', of(10, 0, 0, 10), 'unknown'],
    ['few marks', of(3, 0, 1, 90), 'unknown'],
    ['as chance would', of(10, 40, 10, 40), 'chance'],
    ['against each other', of(5, 45, 45, 5), 'chance'],
    ['mostly together', of(40, 10, 10, 40), 'some'],
  ])('%s', (_, marked, belief) => {
    expect(beliefIn(marked)).toBe(belief);
  });

  it("is Cohen's kappa with its interval", () => {
    // J. Cohen's own form: observed 0.7, chance 0.5.
    const kappa = cohensKappa(of(20, 5, 10, 15))!;
    expect(kappa.rate).toBeCloseTo(0.4, 10);
    expect(kappa.high - kappa.rate).toBeCloseTo((1.959964 * Math.sqrt((0.7 * 0.3) / 50)) / 0.5, 10);
    expect(kappa.rate - kappa.low).toBeCloseTo(kappa.high - kappa.rate, 10);
    expect(cohensKappa(of(10, 0, 0, 10))).toMatchObject({ rate: 1, low: 1, high: 1 });
    expect(cohensKappa(of(10, 0, 0, 0))).toBeNull();
  });
});
