import { join } from 'node:path';
import { expect, it } from 'vitest';
import { brightness } from '@/trainer/rewards/analytic';
import { combine } from '@/trainer/rewards/combine';
import { openImportedReward } from '@/trainer/rewards/imported/open';
import { scorerOf } from '@/trainer/rewards/scorer';
import { Engine } from '@/trainer/runtime/engine';
import {
  imageTower,
  newFolder,
  size,
  textTower,
  tokenLength,
  writeExternal,
  writeModel,
} from './imported/models';
import { openScoring, randomImages, scoredBy } from './support';

it('a reward without its gradient scores the same, with data in files, too', async () => {
  const engine = await Engine.open({ device: 'cpu', threads: 1 });
  const folder = await newFolder();
  await writeModel(
    {
      name: 'tiny',
      version: '1',
      layout: 'clipscore',
      image: { file: 'image.onnx', size },
      text: { file: 'text.onnx', length: tokenLength },
    },
    { 'image.onnx': imageTower(), 'text.onnx': textTower() },
    folder,
  );
  await writeExternal(join(folder, 'image.onnx'), imageTower());
  const imported = await openImportedReward(engine, folder);
  const reward = combine([
    { reward: imported, weight: 2 },
    { reward: brightness, weight: 1, hinge: 0.9 },
  ]);
  const images = randomImages([2, 3, 16, 12]);
  const prompts = ['1 hand', '2 hands'];
  const scorer = await scorerOf(reward)(engine, { images: 2, height: 16, width: 12 });
  expect(scorer.name).toBe(reward.name);
  const session = await openScoring(engine, reward, images.dims);
  const { score } = await scoredBy(session, images, await reward.feeds(prompts));
  const { scores, parts } = await scorer.score(images.data, prompts);
  expect(scores).toEqual(score);
  const [own, bright] = [imported.name, brightness.name].map((name) => parts[name]!);
  const together = own?.map((value, i) => 2 * value + Math.min(bright![i]!, 0.9));
  expect([...(together ?? [])]).toEqual([...scores].map((value) => expect.closeTo(value, 4)));
  await scorer.release();
  await engine.close();
});
