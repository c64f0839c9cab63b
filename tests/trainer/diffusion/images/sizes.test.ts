import { join } from 'node:path';
import { expect, it } from 'vitest';
import { familyFolder } from '@/tests/support/family-pipelines';
import { drawableSizes, sizedPipeline } from '@/trainer/diffusion/images/sizes';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { handsFolder } from '@/trainer/rounds/pipelines/resolve';

const folders = {
  sd: 'tests/fixtures/golden/tiny-sd',
  sdxl: join(familyFolder('tiny-sdxl'), 'pipeline'),
  sd3: join(familyFolder('tiny-sd3'), 'pipeline'),
  sana: join(familyFolder('tiny-sana'), 'pipeline'),
};

const square = (side: number) => ({ width: side, height: side });

it.each([
  // Two levels halve latents once, three twice; a patch of SD3 is 2 latents; 4 pixels are one.
  ['sd', { multiplesOf: square(8), most: null }],
  ['sdxl', { multiplesOf: square(16), most: null }],
  ['sd3', { multiplesOf: square(8), most: square(96) }],
  ['sana', { multiplesOf: square(4), most: null }],
] as const)('says which sizes the networks of %s take', async (name, sizes) => {
  expect(await drawableSizes(await openPipeline(folders[name]))).toEqual(sizes);
});

it('knows a pipeline whose networks take one size', async () => {
  expect(await drawableSizes(await openPipeline(handsFolder))).toBeNull();
});

it('makes a pipeline for images of another size, and says why it cannot', async () => {
  const pipeline = await openPipeline(folders.sdxl);
  const sized = await sizedPipeline(pipeline, { width: 48, height: 64 });
  expect(sized.latentShape).toEqual([4, 16, 12]);
  expect(imageSizeOf(sized)).toEqual({ width: 48, height: 64 });
  // What the network is told of the size goes with it.
  expect(sized.reading.imageSize).toEqual([64, 48]);
  expect(await sizedPipeline(pipeline, square(32))).toBe(pipeline);
  expect(await sizedPipeline(pipeline, null)).toBe(pipeline);
  await expect(sizedPipeline(pipeline, { width: 40, height: 32 })).rejects.toThrow(
    /cannot draw images of 40 × 32 pixels: .+up_blocks.+ Its own size is 32 × 32\./,
  );
  await expect(sizedPipeline(pipeline, { width: 34, height: 32 })).rejects.toThrow(
    /cannot draw images of 34 × 32 pixels/,
  );
});
