/**
 * Decoder and reward model with data in files of their own, as exporters write models of more than
 * 2 GB.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { sizeOf } from '@/trainer/graph/tensor';
import { draft } from '@/trainer/methods/draft';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { RolloutTrainer } from '@/trainer/methods/rollouts/rollout-trainer';
import { combine } from '@/trainer/rewards/combine';
import { openImportedReward } from '@/trainer/rewards/imported/open';
import { Engine } from '@/trainer/runtime/engine';
import {
  imageTower,
  newFolder,
  size,
  textTower,
  tokenLength,
  writeExternal,
  writeModel,
} from '../../rewards/imported/models';

const prompts = ['1 hand', '1 hand, red sleeve'];
const manifest = {
  name: 'tiny',
  version: '2.1',
  layout: 'hpsv2.1',
  image: { file: 'image/model.onnx', size },
  text: { file: 'text.onnx', length: tokenLength },
};

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

/** Rewards and gradient of one step with two terms of the imported model. */
async function stepOf(external: boolean) {
  const folder = join(mkdtempSync(join(tmpdir(), 'darkroom-external-')), 'tiny');
  await writeTinyPipeline(folder);
  const model = await writeModel(
    manifest,
    { 'image/model.onnx': imageTower(), 'text.onnx': textTower() },
    await newFolder(),
  );
  if (external) {
    const decoder = join(folder, 'vae_decoder/model.onnx');
    await writeExternal(decoder, await readOnnxFile(decoder));
    await writeExternal(join(model, 'image/model.onnx'), imageTower(), 4);
  }
  const pipeline = await openPipeline(folder);
  const imported = await openImportedReward(engine, model);
  const reward = combine([
    { reward: imported, weight: 1 },
    { reward: imported, weight: 2, hinge: 0.9 },
  ]);
  const conditioning = await openConditioning(engine, pipeline);
  const trainer = await RolloutTrainer.open(engine, {
    trainable: trainableAdapter(pipeline.denoiser.graph, 'attention', 2),
    pipeline,
    emptyContext: conditioning.options.emptyContext,
    settings: { steps: 2, eta: 1, guidance: 3 },
    images: 2,
    method: draft({ truncation: 1 }),
    reward,
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
    learningRate: 0,
  });
  let drawn = 0;
  const draws = gaussianNoise('adapter', 100_000);
  const sites = adapterSites(pipeline.denoiser.graph, 'attention').values();
  await trainer.load(initialState(initialAdapter(sites, 2, () => draws[drawn++]!)));
  const length = 2 * sizeOf(pipeline.latentShape);
  const batch = {
    latents: gaussianNoise('x_T', length),
    contexts: await Promise.all(prompts.map(conditioning.encode)),
    rewardFeeds: await reward.feeds(prompts),
    noise: (step: number) => gaussianNoise(`z ${step}`, length),
  };
  const { reports, gradNorm } = await trainer.step([batch], () => 0.5);
  await trainer.close();
  await conditioning.release();
  await reward.release?.();
  return { rewards: [...(reports[0]?.rewards ?? [])], gradNorm };
}

it('train as if all were in memory', async () => {
  const inMemory = await stepOf(false);
  expect(inMemory.gradNorm).toBeGreaterThan(0);
  expect(await stepOf(true)).toEqual(inMemory);
});
