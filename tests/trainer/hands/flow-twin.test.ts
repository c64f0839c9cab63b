import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { Denoiser } from '@/trainer/diffusion/denoise/denoiser';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { predictedMean } from '@/trainer/diffusion/schedulers/step';
import { sizeOf } from '@/trainer/graph/tensor';
import { writeFlowTwin } from '@/trainer/hands/flow-twin';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { refl } from '@/trainer/methods/refl';
import { RolloutTrainer } from '@/trainer/methods/rollouts/rollout-trainer';
import { brightness } from '@/trainer/rewards/analytic';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
let folder: string;
let own: Pipeline;
let twin: Pipeline;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'darkroom-twin-'));
  await writeTinyPipeline(join(folder, 'tiny'));
  await writeFlowTwin(join(folder, 'tiny'), join(folder, 'twin'));
  own = await openPipeline(join(folder, 'tiny'));
  twin = await openPipeline(join(folder, 'twin'));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

it('sees the same image in the same noise', async () => {
  const images = 2;
  const size = images * sizeOf(own.latentShape);
  const encoder = await PromptEncoder.open(engine, own);
  const prompts = [await encoder.encode('1 hand'), await encoder.encode('a dog')];
  const empty = await encoder.encode('');
  await encoder.release();
  const denoisers = await Promise.all(
    [own, twin].map((pipeline) => Denoiser.open(engine, pipeline, { images, guidance: 2 })),
  );
  for (const denoiser of denoisers) await denoiser.setPrompts(prompts, empty);
  const estimate = async (i: number, timestep: number, steps: number, latents: Float32Array) => {
    const { scheduler } = [own, twin][i]!;
    const output = await denoisers[i]!.predict(latents, timestep);
    return predictedMean(scheduler.coefficients(timestep, steps, 0), latents, output).original;
  };
  for (const flowing of twin.scheduler.timesteps(5).slice(0, 4)) {
    const level = flowing / 1000;
    const latents = gaussianNoise(`x at ${level}`, size).map((z) => 0.8 * z);
    const length = Math.hypot(level, 1 - level);
    // The timestep of as much noise, √((1−ᾱ)/ᾱ) = σ/(1−σ), or the last.
    const apartFrom = (timestep: number) => {
      const noise = -own.scheduler.coefficients(timestep, 1000, 0).original.output;
      return Math.abs(Math.log(noise * (1 / level - 1)));
    };
    const timestep = own.scheduler
      .timesteps(1000)
      .reduce((best, other) => (apartFrom(other) < apartFrom(best) ? other : best));
    const found = await estimate(1, flowing, 5, latents);
    const scaled = latents.map((x) => x / length);
    const wanted = await estimate(0, timestep, 1000, scaled);
    const largest = Math.max(...wanted.map(Math.abs));
    const apart = Math.max(...found.map((x, i) => Math.abs(x - wanted[i]!)));
    expect(apart / largest, `at ${level}`).toBeLessThan(1e-4);
  }
  for (const denoiser of denoisers) await denoiser.release();
});

it('learns as the network does, by an adapter of the same names', async () => {
  const sites = (pipeline: Pipeline) =>
    [...adapterSites(pipeline.denoiser.graph, 'attention').values()].map(({ key }) => key);
  expect(sites(twin)).toEqual(sites(own));
  const conditioning = await openConditioning(engine, twin);
  const trainer = await RolloutTrainer.open(engine, {
    trainable: trainableAdapter(twin.denoiser.graph, 'attention', 2),
    pipeline: twin,
    emptyContext: conditioning.options.emptyContext,
    settings: { steps: 3, eta: 0.7, guidance: 2 },
    images: 1,
    method: refl({ scale: 1, target: 9, lateShare: 1 }),
    reward: brightness,
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
    learningRate: 1e-3,
  });
  const draws = gaussianNoise('adapter', 100_000);
  let drawn = 0;
  const adapter = initialAdapter(
    adapterSites(twin.denoiser.graph, 'attention').values(),
    2,
    () => draws[drawn++]!,
  );
  await trainer.load(initialState(adapter));
  const size = sizeOf(twin.latentShape);
  const batch = {
    latents: gaussianNoise('x_T', size),
    contexts: [await conditioning.encode('1 hand')],
    rewardFeeds: {},
    noise: (step: number) => gaussianNoise(`z ${step}`, size),
  };
  const { gradNorm } = await trainer.step([batch], () => 0.5);
  expect(gradNorm).toBeGreaterThan(0);
  await trainer.close();
  await conditioning.release();
});
