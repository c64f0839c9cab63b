import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { readSafetensors } from '@/trainer/formats/safetensors';
import { float32, int64 } from '@/trainer/graph/tensor';
import { buildClipText } from '@/trainer/hands/networks/clip-text';
import { buildUnet } from '@/trainer/hands/networks/unet';
import { buildVaeDecoder, buildVaeEncoder, VAE_CONFIG } from '@/trainer/hands/networks/vae';
import { exportPipeline } from '@/trainer/hands/pretrain/export';
import { initialWeights } from '@/trainer/hands/pretrain/initial';
import { TEXT_CONFIG, UNET_CONFIG } from '@/trainer/hands/pretrain/pipeline-config';
import { parametersOf } from '@/trainer/hands/pretrain/training';
import { createRandom } from '@/trainer/random';
import { Engine, outputOf } from '@/trainer/runtime/engine';

const folder = mkdtempSync(join(tmpdir(), 'hands-pipeline-'));
let engine: Engine;

beforeAll(async () => {
  const diffusion = parametersOf('diffusion', (layers) => {
    const b = layers.builder;
    const ids = b.input('ids', 'int64', [2, 16]);
    const context = buildClipText(layers.within('text_encoder'), TEXT_CONFIG, ids);
    const sample = b.input('sample', 'float32', [2, 4, 16, 16]);
    const timestep = b.input('timestep', 'int64', []);
    const inputs = { sample, timestep, context };
    return { noise: buildUnet(layers.within('unet'), UNET_CONFIG, inputs) };
  });
  const vae = parametersOf('vae', (layers) => {
    const images = layers.builder.input('images', 'float32', [2, 3, 64, 64]);
    const latents = buildVaeEncoder(layers, VAE_CONFIG, images);
    return { images: buildVaeDecoder(layers, VAE_CONFIG, latents) };
  });
  exportPipeline(folder, {
    diffusion: initialWeights(createRandom(1), diffusion),
    vae: initialWeights(createRandom(2), vae),
    scale: { mean: [0.1, 0, -0.1, 0], deviation: [1, 2, 1, 0.5] },
  });
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});

afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

test('is a pipeline that the sampler draws from', async () => {
  const pipeline = await openPipeline(folder);
  expect(pipeline.latentShape).toEqual([4, 16, 16]);
  const sampler = await Sampler.open(engine, pipeline, {
    images: 2,
    settings: { steps: 2, eta: 1, guidance: 3 },
  });
  const requests = [
    { prompt: '1 hand', seed: 1, noiseSeed: 1 },
    { prompt: '1 hand, dark skin', seed: 2, noiseSeed: 2 },
  ];
  for await (const batch of sampler.sample(requests)) {
    expect(batch.map(({ image }) => [image.width, image.height])).toEqual([
      [64, 64],
      [64, 64],
    ]);
  }
  await sampler.release();
});

test('the graphs keep one copy of the weights, in the safetensors beside them', async () => {
  for (const [name, file] of [
    ['unet', 'diffusion_pytorch_model.safetensors'],
    ['text_encoder', 'model.safetensors'],
  ] as const) {
    const { tensors, metadata } = await readSafetensors(join(folder, name, file));
    expect(metadata.format).toBe('pt');
    expect(tensors.size).toBeGreaterThan(20);
    const graphBytes = statSync(join(folder, name, 'model.onnx')).size;
    expect(graphBytes).toBeLessThan(statSync(join(folder, name, file)).size / 4);
  }
});

test('one image alone gives what it gives in a batch', async () => {
  const session = await engine.load(
    { path: join(folder, 'unet', 'model.onnx') },
    { name: 'exported unet' },
  );
  const random = createRandom(3);
  const values = (count: number) => new Float32Array(count).map(() => random.gaussian());
  const sample = values(5 * 1024);
  const context = values(5 * 16 * 64);
  const run = async (first: number, count: number) => {
    const outputs = await session.run({
      sample: float32([count, 4, 16, 16], sample.slice(first * 1024, (first + count) * 1024)),
      encoder_hidden_states: float32(
        [count, 16, 64],
        context.slice(first * 1024, (first + count) * 1024),
      ),
      timestep: int64([1], [501]),
    });
    return outputOf(outputs, 'out_sample', 'float32').data;
  };
  const all = await run(0, 5);
  const third = await run(2, 1);
  third.forEach((value, at) => {
    expect(value).toBeCloseTo(all[2 * 1024 + at]!, 4);
  });
});

test('the whole pipeline is small enough to ship', () => {
  const files = [
    'unet/diffusion_pytorch_model.safetensors',
    'unet/model.onnx',
    'text_encoder/model.safetensors',
    'text_encoder/model.onnx',
    'vae_decoder/model.onnx',
    'vae_encoder/model.onnx',
  ];
  const bytes = files.reduce((total, file) => total + statSync(join(folder, file)).size, 0);
  expect(bytes).toBeLessThan(19e6);
  const index = JSON.parse(readFileSync(join(folder, 'model_index.json'), 'utf8'));
  expect(index.unet).toEqual(['diffusers', 'UNet2DConditionModel']);
});
