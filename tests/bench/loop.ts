/**
 * @file The two halves of a round: images sampled per second, and D3PO pair-timesteps trained per
 * second.
 */

import { initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { type Sampled, Sampler } from '@/trainer/diffusion/sampling/sampler';
import { d3po } from '@/trainer/methods/d3po';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { TransitionTrainer } from '@/trainer/methods/transitions/transition-trainer';
import type { Engine } from '@/trainer/runtime/engine';

const settings = { steps: 20, eta: 1, guidance: 5 };
const batch = 10;
const prompt = '1 hand';

export interface Loop {
  imagesPerSecond: number;
  pairTimestepsPerSecond: number;
  peakMib: number;
}

/** Samples two batches at the official settings, then trains on pairs of them. */
export async function measureLoop(engine: Engine, pipeline: Pipeline): Promise<Loop> {
  const sampler = await Sampler.open(engine, pipeline, { images: batch, settings });
  const requests = Array.from({ length: batch }, (_, i) => ({ prompt, seed: i, noiseSeed: i }));
  const drawn: Sampled[] = [];
  let start = 0;
  for (let round = 0; round < 3; round++) {
    if (round === 1) start = performance.now(); // the first batch warms up
    for await (const images of sampler.sample(requests, { keepPredictions: true }))
      drawn.push(...images);
  }
  const imagesPerSecond = (2 * batch * 1000) / (performance.now() - start);
  await sampler.release();

  const conditioning = await openConditioning(engine, pipeline);
  const unet = pipeline.denoiser.graph;
  const trainer = await TransitionTrainer.open(engine, {
    trainable: trainableAdapter(unet, 'attention', 4),
    ...conditioning.options,
    inferenceSteps: settings.steps,
    eta: settings.eta,
    guidance: settings.guidance,
    loss: d3po({ beta: 0.1, clipRange: 0.1 }),
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-4, maxGradNorm: 1 },
    learningRate: 3e-5,
    run: { images: 10, comparisons: 5 },
    runsPerStep: (2 * settings.steps) / 10,
  });
  const noise = gaussianNoise('bench', 1 << 20);
  let at = 0;
  const adapter = initialAdapter(adapterSites(unet, 'attention').values(), 4, () => noise[at++]!);
  await trainer.load(initialState(adapter));
  const text = await conditioning.encode(prompt);
  const pairs = Array.from({ length: 4 }, (_, i) => ({
    context: text,
    images: [drawn[2 * i]!, drawn[2 * i + 1]!].map(({ trajectory }) => trajectory),
    comparisons: [{ winner: 0, loser: 1, weight: 1 }],
  }));
  const all = Array.from({ length: settings.steps }, (_, i) => i);
  let since = 0;
  for (const [i, pair] of pairs.entries()) {
    if (i === 1) since = performance.now();
    await trainer.step([pair], [all]);
  }
  const pairTimestepsPerSecond =
    ((pairs.length - 1) * settings.steps * 1000) / (performance.now() - since);
  await trainer.close();
  await conditioning.release();
  return { imagesPerSecond, pairTimestepsPerSecond, peakMib: engine.memory.peakRssBytes / 2 ** 20 };
}
