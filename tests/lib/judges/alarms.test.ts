import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hackingAlarms, type ImageMeasures } from '@/lib/judges/alarms';
import { pairedChange } from '@/lib/statistics/paired-change';

const images = (
  count: number,
  of: (i: number) => { reward: number } & Record<string, number>,
): ImageMeasures[] =>
  Array.from({ length: count }, (_, i) => {
    const { reward, ...measures } = of(i);
    return { reward, measures: { deformed: 1, blood: 1, alignment: 1, ...measures } };
  });

const alike = { before: 0.6, after: 0.6 };
const noise = (i: number) => (i % 7) / 10;

describe('pairedChange', () => {
  it('gives the mean difference image by image with its interval', () => {
    const { before, after, low, high } = pairedChange([1, 2, 3, 4], [2, 3, 4, 5.4]);
    expect([before, after]).toEqual([2.5, 3.6]);
    // Differences 1, 1, 1, 1.4: mean 1.1, standard error 0.1.
    expect(low).toBeCloseTo(1.1 - 0.196, 3);
    expect(high).toBeCloseTo(1.1 + 0.196, 3);
  });

  it('says nothing sure from one image, and refuses what is not paired', () => {
    expect(pairedChange([1], [2])).toMatchObject({ low: -Infinity, high: Infinity });
    expect(() => pairedChange([1, 2], [1])).toThrow('2 images before');
    expect(() => pairedChange([], [])).toThrow('0 images');
  });
});

describe('hackingAlarms', () => {
  const base = images(100, (i) => ({ reward: noise(i), deformed: Number(i % 4 !== 0) }));

  it('names what fell while the reward rose', () => {
    const after = images(100, (i) => ({ reward: 2 + noise(i + 3), deformed: Number(i % 2 === 0) }));
    expect(hackingAlarms(base, after, alike)).toEqual([
      { signal: 'deformed', before: 0.75, after: 0.5 },
    ]);
    expect(hackingAlarms(base, after, { before: 0.6, after: 0.4 }).map((a) => a.signal)).toEqual([
      'deformed',
      'diversity',
    ]);
  });

  it('is silent where all went up, where nothing is sure, and where the reward did not rise', () => {
    const better = images(100, (i) => ({ reward: 2 + noise(i) }));
    expect(hackingAlarms(base, better, alike)).toEqual([]);
    const chance = images(100, (i) => ({ reward: 2 + noise(i), deformed: Number(i % 4 !== 1) }));
    expect(hackingAlarms(base, chance, alike)).toEqual([]);
    const worse = images(100, (i) => ({ reward: noise(i + 1), deformed: 0 }));
    expect(hackingAlarms(base, worse, alike)).toEqual([]);
    expect(hackingAlarms(base, better, { before: null, after: null })).toEqual([]);
  });

  it('follows what is declared, in its order, and diversity where nothing is', () => {
    const before = images(100, (i) => ({ reward: noise(i), torn: 1 }));
    const after = images(100, (i) => ({ reward: 2 + noise(i), torn: 0, alignment: 0 }));
    expect(hackingAlarms(before, after, alike).map(({ signal }) => signal)).toEqual([
      'alignment',
      'torn',
    ]);
    const bare = (all: ImageMeasures[]) => all.map(({ reward }) => ({ reward, measures: {} }));
    const fallen = { before: 0.6, after: 0.1 };
    expect(hackingAlarms(bare(before), bare(after), fallen)).toEqual([
      { signal: 'diversity', ...fallen },
    ]);
  });

  it('never raises an alarm on a policy against itself', () => {
    const measure = fc.record({
      reward: fc.double({ min: -10, max: 10, noNaN: true }),
      measures: fc.record({
        torn: fc.integer({ min: 0, max: 1 }),
        alignment: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    });
    fc.assert(
      fc.property(fc.array(measure, { minLength: 1 }), (same) => {
        expect(hackingAlarms(same, same, alike)).toEqual([]);
      }),
    );
  });
});
