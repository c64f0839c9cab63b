import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FamilyPipeline, familyFolder } from '@/tests/support/family-pipelines';
import { sizedPipeline } from '@/trainer/diffusion/images/sizes';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { FeatureReader } from '@/trainer/rewards/learned/feature-reader';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const image = (of: (i: number) => number) => ({
  width: 32,
  height: 32,
  data: Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => of(i)),
});

/** Three numbers a channel: levels of 16, 32 and 32 and the middle; three blocks of 32; two. */
const families: [FamilyPipeline, number][] = [
  ['tiny-sdxl', 3 * (16 + 32 + 32 + 32)],
  ['tiny-sd3', 3 * (32 + 32 + 32)],
  ['tiny-sana', 3 * (32 + 32)],
];

it.each(families)('the denoiser of %s is read block by block', async (name, width) => {
  const pipeline = await openPipeline(join(familyFolder(name), 'pipeline'));
  const encoder = await PromptEncoder.open(engine, pipeline);
  const [context, other] = [await encoder.encode('a hand'), await encoder.encode('a bone')];
  const reader = await FeatureReader.open(engine, pipeline, 3);
  const [one, otherImage, otherPrompt] = await reader.read([
    { image: image((i) => i % 251), context },
    { image: image((i) => (7 * i) % 256), context },
    { image: image((i) => i % 251), context: other },
  ]);
  await reader.release();
  await encoder.release();
  // Images of another size are read as the same features.
  const sized = await sizedPipeline(pipeline, { width: 48, height: 32 });
  const wider = await FeatureReader.open(engine, sized, 1);
  const data = Uint8Array.from({ length: 3 * 48 * 32 }, (_, i) => i % 251);
  const [wide] = await wider.read([{ image: { width: 48, height: 32, data }, context }]);
  await wider.release();
  expect(wide).toHaveLength(width);
  expect(one).toHaveLength(width);
  expect(one!.every(Number.isFinite)).toBe(true);
  expect(otherImage).not.toEqual(one);
  expect(otherPrompt).not.toEqual(one);
});

it('PixArt is read block by block, at the one size that its export is for', async () => {
  const pipeline = await openPipeline(join(familyFolder('tiny-pixart'), 'pipeline'));
  const encoder = await PromptEncoder.open(engine, pipeline);
  const reader = await FeatureReader.open(engine, pipeline, 1);
  const [read] = await reader.read([
    { image: image((i) => i % 251), context: await encoder.encode('a hand') },
  ]);
  await reader.release();
  await encoder.release();
  expect(read).toHaveLength(3 * (24 + 24));
  expect(read!.every(Number.isFinite)).toBe(true);
  await expect(sizedPipeline(pipeline, { width: 48, height: 32 })).rejects.toThrow(
    'cannot draw images of 48 × 32 pixels',
  );
});
