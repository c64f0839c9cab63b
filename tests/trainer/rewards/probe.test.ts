import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brightness, symmetry } from '@/trainer/rewards/analytic';
import { combine } from '@/trainer/rewards/combine';
import { probeReward } from '@/trainer/rewards/probe';
import { ofPixels, type Reward } from '@/trainer/rewards/reward';
import { klWarning, scaleOf } from '@/trainer/rewards/scale';
import { Engine } from '@/trainer/runtime/engine';
import { norm, openScoring, randomImages, scoredBy } from './support';

const images = randomImages([3, 3, 8, 8]);
const prompts = ['a', 'b', 'c'];
const spatial = [1, 2, 3];

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const probe = (reward: Reward) => probeReward(engine, reward, images, prompts);

describe('a reward that can teach', () => {
  it('is measured', async () => {
    const report = await probe(brightness);
    const session = await openScoring(engine, brightness, images.dims);
    const { score, gradient } = await scoredBy(session, images);
    await session.release();
    expect([...report.scores]).toEqual([...score]);
    const mean = score.reduce((sum, value) => sum + value, 0) / 3;
    expect(report.mean).toBeCloseTo(mean, 6);
    const variance = score.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3;
    expect(report.spread).toBeCloseTo(Math.sqrt(variance), 6);
    expect(report.pixelGradientNorm).toBeCloseTo(norm(gradient), 6);
    expect(report).toMatchObject({ parts: {}, warnings: [] });
  });

  it('of several terms is measured by term, which gives the numbers to normalize by', async () => {
    const terms = [
      { reward: brightness, weight: 1 },
      { reward: symmetry, weight: 1 },
    ];
    const { parts } = await probe(combine(terms));
    const normalized = terms.map((term) => {
      const { mean, spread } = parts[term.reward.name]!;
      return { ...term, normalize: { mean, std: spread } };
    });
    const [first] = normalized as [(typeof normalized)[number]];
    const alone = await probe(combine([first]));
    expect(alone.mean).toBeCloseTo(0, 4);
    expect(alone.spread).toBeCloseTo(1, 4);
    expect((await probe(combine(normalized))).mean).toBeCloseTo(0, 4);
  });

  it('is warned of far from where such scores lie, and only there', async () => {
    const { mean } = await probe(brightness);
    const expecting = (low: number, high: number) =>
      probe({ ...brightness, expected: [low, high] }).then(({ warnings }) => warnings);
    expect(await expecting(mean - 0.1, mean + 0.1)).toEqual([]);
    expect(await expecting(mean + 0.05, mean + 0.15)).toEqual([]);
    expect((await expecting(18, 24)).join()).toMatch(/"brightness".*18 to 24/);
    expect((await expecting(-24, -18)).join()).toMatch(/"brightness"/);
  });
});

describe('a reward that cannot is refused by name', () => {
  const mean = ofPixels('', (b, x) => b.reduceMean(x, spatial, false));
  const refused: [string, Reward, RegExp][] = [
    [
      'NaN',
      ofPixels('broken', (b, x) => b.op('Sqrt', [b.neg(b.reduceMean(x, spatial, false))])),
      /"broken" gives NaN for image 1 of 3/,
    ],
    [
      'a constant',
      ofPixels('constant', (b, x) =>
        b.add(b.scale(b.reduceMean(x, spatial, false), 1e-9), b.scalar(5)),
      ),
      /"constant" gives 5 for all of 3/,
    ],
    [
      'no gradient anywhere',
      ofPixels('stepped', (b, x) => {
        const smooth = b.reduceMean(x, spatial, false);
        const low = b.op('Clip', [smooth, b.scalar(0.9), b.scalar(1)]);
        const stop = b.op('Floor', [b.scale(smooth, 1000)]);
        return b.add(low, stop);
      }),
      /"stepped" has no gradient at any pixel/,
    ],
    [
      'an operator without a gradient',
      ofPixels('rounded', (b, x) =>
        b.op('Floor', [b.scale(b.reduceMean(x, spatial, false), 1000)]),
      ),
      /"rounded" cannot be differentiated/,
    ],
    [
      'a gradient that is infinite',
      ofPixels('steep', (b, x) => {
        const first = b.reduceMean(x, spatial, false);
        return b.add(first, b.op('Sqrt', [b.scale(first, 0)]));
      }),
      /"steep" has a gradient of (NaN|Infinity)/,
    ],
  ];
  it.each(refused)('%s', async (_, reward, message) => {
    await expect(probe(reward)).rejects.toThrow(message);
  });

  it('and so is a probe of one image, or of images without prompts', async () => {
    await expect(probeReward(engine, mean, randomImages([1, 3, 4, 4]), ['a'])).rejects.toThrow(
      /two/,
    );
    await expect(probeReward(engine, mean, images, ['a'])).rejects.toThrow(/3 with 1 prompts/);
  });
});

describe('the scale of scores', () => {
  it.each([
    [[0.21, 0.27, 0.34], 'cosine'],
    [[-1.9, 0.4, 1.2], 'unit'],
    [[4.8, 5.6, 6.1], 'unit'],
    [[18.2, 21.5, 23.9], 'logit'],
    [[-40, -52], 'logit'],
  ] as const)('of %j is %s', (scores, scale) => {
    expect(scaleOf(scores)).toBe(scale);
  });

  it('tells a KL coefficient that belongs to another', () => {
    const [cosines, logits] = [
      [0.2, 0.3],
      [19, 22],
    ];
    expect(klWarning(1, logits, 7.5)).toBeUndefined();
    expect(klWarning(0.2, logits, 7.5)).toBeUndefined();
    expect(klWarning(0, cosines, 7.5)).toBeUndefined();
    expect(klWarning(0.005, cosines, 7.5)).toBeUndefined();
    expect(klWarning(1, cosines, 7.5)).toMatch(/1 holds the policy.*cosine.*7\.5: 0\.001 to 0\.01/);
    expect(klWarning(0.001, logits, 7.5)).toMatch(/holds nothing.*0\.1 to 1 is/);
    // A third of the guidance moves the predictions nine times less.
    expect(klWarning(1, cosines, 2.5)).toBeUndefined();
    expect(klWarning(20, cosines, 2.5)).toMatch(/2\.5: 0\.009 to 0\.09/);
  });
});
