import { afterAll, beforeAll, expect, it } from 'vitest';
import { ofPixels } from '@/trainer/rewards/reward';
import { openScores } from '@/trainer/rounds/rewards/score-images';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', lanes: 1 });
});
afterAll(() => engine.close());

const brightness = ofPixels('brightness', (b, images) => b.reduceMean(images, [1, 2, 3], false));

/** An image of one grey. */
function grey(width: number, height: number, level: number) {
  const data = new Uint8Array(3 * width * height).fill(level);
  return { prompt: 'a hand', image: { width, height, data } };
}

it('images of several sizes are scored, each in its place', async () => {
  const scores = openScores(engine, brightness);
  const images = Array.from({ length: 20 }, (_, i) => grey(i % 3 === 0 ? 8 : 4, 6, 10 * i));
  const found = await scores.score(images);
  expect(found.map((score) => Math.round(score * 255))).toEqual(images.map((_, i) => 10 * i));
  // Later portions may bring a size that the first had not.
  const [later] = await scores.score([grey(5, 5, 255)]);
  expect(later).toBeCloseTo(1, 6);
  expect(await scores.score([])).toEqual([]);
  await scores.release();
});
