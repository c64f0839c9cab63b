import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encode } from 'fast-png';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { ImageEncoder } from '@/trainer/diffusion/images/image-encoder';
import { decodePng, encodePng } from '@/trainer/diffusion/images/png';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { latentsAt } from '@/trainer/diffusion/sampling/trajectory';
import { Builder } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const hands = fileURLToPath(new URL('../../../../trainer/hands/policy', import.meta.url));

it('finds the latents that the built-in policy decoded an image from, and the same every time', async () => {
  const pipeline = await openPipeline(hands);
  expect(imageSizeOf(pipeline)).toEqual({ width: 64, height: 64 });
  const settings = { steps: 10, eta: 0, guidance: 2 };
  const sampler = await Sampler.open(engine, pipeline, { images: 1, settings });
  const encoder = await ImageEncoder.open(engine, pipeline);
  const request = { prompt: '1 hand, tan skin, red sleeve, blue background, upright', seed: 1 };
  for await (const [drawn] of sampler.sample([{ ...request, noiseSeed: 1 }])) {
    const { image, trajectory } = drawn!;
    const exact = latentsAt(trajectory, 10);
    const again = decodePng(encodePng(image), 'image');
    expect(again).toEqual(image);
    const found = await encoder.encode(again, 'image');
    expect(await encoder.encode(again, 'image')).toEqual(found);
    // The decoder keeps what the encoder sees: of latents with a variance of about 1 less than a
    // fifth is lost.
    const [error, variance] = [0, 0].map((_, which) =>
      exact.reduce((sum, x, i) => sum + (which ? x : x - found[i]!) ** 2, 0),
    );
    expect(error! / variance!).toBeLessThan(0.2);
  }
  await sampler.release();
  await expect(
    encoder.encode({ width: 32, height: 64, data: new Uint8Array(3 * 32 * 64) }, 'That image'),
  ).rejects.toThrow('That image has 32×64 pixels, but the pipeline draws 64×64.');
  await encoder.release();
});

it('takes the mean of mean and variance, and refuses chance or absence', async () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'darkroom-encoder-')), 'tiny');
  await writeTinyPipeline(folder);
  const pipeline = await openPipeline(folder);
  const image = { width: 32, height: 32, data: new Uint8Array(3 * 32 * 32).map((_, i) => i % 251) };
  const plain = await ImageEncoder.open(engine, pipeline);
  const mean = await plain.encode(image, 'image');
  await plain.release();

  const path = join(folder, 'vae_encoder/model.onnx');
  const before = await readFile(path);
  const source = await readOnnxFile(path);
  const rewrite = async (output: string, change: (b: Builder, latents: string) => string) => {
    const b = new Builder('encoder');
    const sample = b.input('sample', 'float32', [1, 3, 32, 32]);
    const latents = Object.values(inline(b, source, { feeds: { sample } }))[0]!;
    b.output(change(b, latents), output);
    await writeFile(path, serializeOnnx(b.finish()));
  };
  await rewrite('latent_parameters', (b, latents) => b.concat([latents, b.scale(latents, -7)], 1));
  const both = await ImageEncoder.open(engine, await openPipeline(folder));
  expect(await both.encode(image, 'image')).toEqual(mean);
  await both.release();

  const dice = { ...source, nodes: [...source.nodes] };
  const node = { name: 'dice', domain: '', inputs: ['sample'], outputs: ['dice'], attributes: {} };
  dice.nodes.push({ ...node, op: 'RandomNormalLike' });
  await writeFile(path, serializeOnnx(dice));
  await expect(ImageEncoder.open(engine, await openPipeline(folder))).rejects.toThrow(/at random/);
  await writeFile(path, before);
  await rm(join(folder, 'vae_encoder'), { recursive: true });
  await expect(ImageEncoder.open(engine, await openPipeline(folder))).rejects.toThrow(
    /VAE encoder/,
  );
});

it('reads 8-bit RGB, and says what is wrong with anything else', () => {
  const png = (channels: 1 | 3 | 4, depth: 8 | 16, fill: number) => {
    const size = 4 * channels;
    const data = (depth === 8 ? new Uint8Array(size) : new Uint16Array(size)).fill(fill);
    return encode({ width: 2, height: 2, channels, depth, data });
  };
  expect(decodePng(png(4, 8, 255), 'a').data).toEqual(new Uint8Array(12).fill(255));
  expect(() => decodePng(png(4, 8, 254), 'hand.png')).toThrow(/hand\.png is transparent/);
  expect(() => decodePng(png(1, 8, 0), 'hand.png')).toThrow(
    /hand\.png is a PNG with 1 channels of 8/,
  );
  expect(() => decodePng(png(3, 16, 0), 'hand.png')).toThrow(/3 channels of 16 bits/);
  expect(() => decodePng(new Uint8Array([255, 216, 255]), 'hand.jpg')).toThrow(
    /hand\.jpg is no PNG/,
  );
});
