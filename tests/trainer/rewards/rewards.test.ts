import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jpegKilobytes } from '@/trainer/rewards/jpeg-file';
import type { Reward } from '@/trainer/rewards/reward';
import { openReward, openScore, rewards } from '@/trainer/rewards/rewards';
import { Engine } from '@/trainer/runtime/engine';
import { imageTower, size, textTower, tokenLength, writeModel } from './imported/models';
import { openScoring, randomImages, scoredBy } from './support';

const images = randomImages([2, 3, 16, 16]);
const prompts = ['1 hand', '2 hands'];

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  folder = await writeModel(
    {
      name: 'tiny',
      version: '1',
      layout: 'clipscore',
      image: { file: 'image.onnx', size },
      text: { file: 'text.onnx', length: tokenLength },
    },
    { 'image.onnx': imageTower(), 'text.onnx': textTower() },
  );
});
afterAll(() => engine.close());

async function scoresOf(reward: Reward): Promise<number[]> {
  const session = await openScoring(engine, reward, images.dims);
  const { score } = await scoredBy(session, images, await reward.feeds(prompts));
  await session.release();
  return [...score];
}

describe('the reward of a run', () => {
  it('is opened by name or folder, and scores the same with and without a gradient', async () => {
    const terms = [
      { model: folder, weight: 2 },
      { model: 'brightness', weight: 1, hinge: 0.9 },
      { model: folder, weight: -1, normalize: { mean: 0.1, std: 0.5 } },
    ];
    const reward = await openReward(engine, terms);
    expect(reward.name).toMatch(
      /^2 · tiny \(clipscore 1, .+\) \+ 1 · brightness up to 0\.9 \+ -1 · /,
    );
    const score = await openScore(engine, terms);
    expect(score.name).toBe(reward.name);
    expect([...(await score.score(images, prompts))]).toEqual(await scoresOf(reward));
    // A second shape of images has a graph of its own.
    expect(await score.score(randomImages([1, 3, 9, 8]), ['1 hand'])).toHaveLength(1);
    await score.release?.();
    await reward.release?.();
  });

  it('of JPEG size alone is the true size where no gradient is needed', async () => {
    const terms = [{ model: 'compressibility', weight: 1 }];
    const exact = await openScore(engine, terms);
    const sizes = await jpegKilobytes(images);
    expect(await exact.score(images, prompts)).toEqual(sizes.map((kilobytes) => -kilobytes));
    const estimate = await openScore(engine, [{ model: 'compressibility', weight: 2 }]);
    expect(estimate.name).not.toContain(exact.name);
    expect(await openReward(engine, terms)).toBe(rewards.compressibility);
  });

  it('is refused where no model has the name', async () => {
    await expect(openReward(engine, [{ model: 'beauty', weight: 1 }])).rejects.toThrow(
      /"beauty".*brightness, symmetry, compressibility, incompressibility/,
    );
    await expect(openReward(engine, [{ model: 'toString', weight: 1 }])).rejects.toThrow(
      /toString/,
    );
    await expect(openScore(engine, [])).rejects.toThrow(/no terms/);
  });
});
