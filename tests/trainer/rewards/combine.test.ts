import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { brightness, symmetry } from '@/trainer/rewards/analytic';
import { combine, type Term } from '@/trainer/rewards/combine';
import { openImportedReward } from '@/trainer/rewards/imported/open';
import { compressibility } from '@/trainer/rewards/jpeg';
import type { Reward } from '@/trainer/rewards/reward';
import { Engine, outputOf } from '@/trainer/runtime/engine';
import { imageTower, size, textTower, tokenLength, writeModel } from './imported/models';
import { gradientGap, norm, openScoring, randomImages, scoredBy } from './support';

const images = randomImages([2, 3, 16, 16]);
const prompts = ['1 hand', '1 hand, red sleeve'];

let engine: Engine;
let imported: Reward;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  const folder = await writeModel(
    {
      name: 'tiny',
      version: '2.1',
      layout: 'hpsv2.1',
      image: { file: 'image.onnx', size },
      text: { file: 'text.onnx', length: tokenLength },
    },
    { 'image.onnx': imageTower(), 'text.onnx': textTower() },
  );
  imported = await openImportedReward(engine, folder);
});
afterAll(async () => {
  await imported.release?.();
  await engine.close();
});

async function scoresOf(reward: Reward): Promise<number[]> {
  const session = await openScoring(engine, reward, images.dims);
  const { score } = await scoredBy(session, images, await reward.feeds(prompts));
  await session.release();
  return [...score];
}

async function expectSum(
  terms: readonly Term[],
  each: (values: readonly number[]) => number,
): Promise<void> {
  const own = await Promise.all(terms.map(({ reward }) => scoresOf(reward)));
  const together = await scoresOf(combine(terms));
  for (const [i, score] of together.entries()) {
    expect(score).toBeCloseTo(each(own.map((values) => values[i]!)), 4);
  }
}

describe('a combined reward', () => {
  it('is the weighted sum of its terms', () =>
    expectSum(
      [
        { reward: brightness, weight: 2 },
        { reward: symmetry, weight: -0.5 },
      ],
      ([a = 0, b = 0]) => 2 * a - 0.5 * b,
    ));

  it('normalizes by fixed numbers, after the hinge', () =>
    expectSum(
      [
        { reward: imported, weight: 3, hinge: 0.1, normalize: { mean: 0.25, std: 0.02 } },
        { reward: compressibility, weight: 1, normalize: { mean: -2, std: 0.4 } },
      ],
      ([a = 0, b = 0]) => (3 * (Math.min(a, 0.1) - 0.25)) / 0.02 + (b + 2) / 0.4,
    ));

  it('adds up the spreads that its terms know, as of independent errors', async () => {
    const unsure = (spread: number): Reward => ({
      ...brightness,
      appendParts: (b, pixels) => {
        const score = brightness.append(b, pixels);
        return { score, parts: {}, spread: b.add(b.scale(score, 0), b.scalar(spread)) };
      },
    });
    const reward = combine([
      { reward: unsure(3), weight: -2, normalize: { mean: 0, std: 2 } },
      { reward: unsure(4), weight: 1, hinge: 0 },
      { reward: symmetry, weight: 5 },
    ]);
    const b = new Builder('spread');
    const { spread } = reward.appendParts!(b, b.input('images', 'float32', images.dims));
    b.output(spread!, 'spread');
    const session = await engine.load(serializeOnnx(b.finish()), { name: 'spread' });
    const out = await session.run({ images });
    await session.release();
    expect([...outputOf(out, 'spread', 'float32').data]).toEqual([5, 5]);
    const known = combine([
      { reward: symmetry, weight: 2 },
      { reward: brightness, weight: 1 },
    ]);
    const other = new Builder('known');
    const pixels = other.input('images', 'float32', images.dims);
    expect(known.appendParts!(other, pixels).spread).toBeUndefined();
  });

  it('has the gradient of finite differences, with one model in two terms', async () => {
    const reward = combine([
      { reward: imported, weight: 1 },
      { reward: imported, weight: 2, normalize: { mean: 0.2, std: 0.5 } },
      { reward: symmetry, weight: 5 },
    ]);
    expect(Object.keys(await reward.feeds(prompts))).toHaveLength(2);
    expect(await gradientGap(engine, reward, images, { prompts, h: 0.02 })).toBeLessThan(2e-3);
  });

  it.each([
    ['up', 1, 0.2, 0.9],
    ['down', -1, 0.9, 0.2],
  ])(
    'a term that is beyond its hinge, pushed %s, pulls no more',
    async (_, weight, beyond, before) => {
      const gradientAt = async (hinge: number) => {
        const reward = combine([{ reward: brightness, weight, hinge }]);
        const session = await openScoring(engine, reward, images.dims);
        const { gradient } = await scoredBy(session, images);
        await session.release();
        return norm(gradient);
      };
      // Mean luma of the images lies near a half.
      expect(await gradientAt(beyond)).toBe(0);
      expect(await gradientAt(before)).toBeGreaterThan(0);
    },
  );

  it('gives every term by name, on its own scale', async () => {
    const reward = combine([
      { reward: brightness, weight: 2, hinge: 0.1 },
      { reward: brightness, weight: 1 },
      { reward: symmetry, weight: 1, normalize: { mean: 1, std: 2 } },
    ]);
    const b = new Builder('parts');
    const input = b.input('images', 'float32', images.dims);
    const appended = reward.appendParts?.(b, input);
    const parts = appended?.parts as Record<string, Value>;
    expect(Object.keys(parts)).toEqual(['brightness', 'brightness #2', 'symmetry']);
    b.output(parts.brightness as Value, 'brightness');
    b.output(parts.symmetry as Value, 'symmetry');
    const session = await engine.load(serializeOnnx(b.finish()), { name: 'parts' });
    const out = await session.run({ images });
    await session.release();
    const read = (name: string) => [...outputOf(out, name, 'float32').data];
    expect(read('brightness')).toEqual(await scoresOf(brightness));
    expect(read('symmetry')).toEqual(await scoresOf(symmetry));
  });

  it('stands beside inputs of the same name', () => {
    const b = new Builder('clash');
    const input = b.input('images', 'float32', images.dims);
    b.input('share', 'float32', []);
    const greedy: Reward = {
      name: 'greedy',
      append: (own, x) =>
        own.mul(own.reduceMean(x, [1, 2, 3], false), own.input('share', 'float32', [])),
      feeds: async (): Promise<Record<string, Tensor>> => ({ share: float32([], [1]) }),
    };
    const score = combine([{ reward: greedy, weight: 2 }]).append(b, input);
    b.output(gradients(b, { of: b.reduceSum(score, [0], false), wrt: [input] })[0]!);
    expect(b.finish().inputs.map(({ name }) => name)).toEqual(['images', 'share', 'term0_share']);
  });

  it('is named by all that decides its scores; one plain term is itself', () => {
    const hinged = combine([
      { reward: brightness, weight: 0.5, hinge: 0.8 },
      { reward: symmetry, weight: -1, normalize: { mean: 1, std: 2 } },
    ]);
    expect(hinged.name).toBe('0.5 · brightness up to 0.8 + -1 · (symmetry − 1) / 2');
    expect(combine([{ reward: brightness, weight: 1 }])).toBe(brightness);
  });

  it.each([
    [[], /no terms/],
    [[{ reward: brightness, weight: 0 }], /weight of reward "brightness" is 0/],
    [[{ reward: brightness, weight: Number.NaN }], /weight/],
    [[{ reward: brightness, weight: 1, hinge: Number.POSITIVE_INFINITY }], /hinge/],
    [[{ reward: brightness, weight: 1, normalize: { mean: 0, std: 0 } }], /deviation.*is 0/],
    [[{ reward: brightness, weight: 1, normalize: { mean: Number.NaN, std: 1 } }], /mean/],
  ])('refuses %#', (terms, message) => {
    expect(() => combine(terms)).toThrow(message);
  });
});
