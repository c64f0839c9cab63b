/**
 * @file What every measurement starts from: the pipeline at one size, a fresh engine, the defaults
 * of a run, and inputs that only need the right shape.
 */
import { parseRunConfig, type RunConfig } from '@/lib/settings/run-config';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { startingNoise, stepNoise } from '@/trainer/diffusion/sampling/noise';
import { sizeOf } from '@/trainer/graph/tensor';
import { initialState, type TrainState } from '@/trainer/methods/optimizer/optimizer';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import type { Engine } from '@/trainer/runtime/engine';
import { randomOf } from '../../draw/random';
import { adamWOf } from '../../train/method-settings';

/** Steps of the schedule that measurements take: a few, whose time is the same as that of all. */
export const fewSteps = 3;

export interface Bench {
  pipeline: Pipeline;
  engine: Engine;
  /** Of a prompt, and of none. */
  context: Conditioning;
  emptyContext: Conditioning;
  /** The defaults of a run. */
  config: RunConfig;
  /** Seconds of one denoising step of one image, with guidance; undefined until it was measured. */
  stepSeconds: number;
}

/** What took how long, and of what. */
export interface Taken {
  of: string;
  seconds: number;
}

export const defaults = parseRunConfig({ prompts: ['any'], evaluationPrompts: ['any'] });

/** Seconds that something takes, with its result. */
export async function timed<Result>(run: () => Promise<Result>): Promise<[number, Result]> {
  const startedAt = performance.now();
  const result = await run();
  return [(performance.now() - startedAt) / 1000, result];
}

/** Seconds of a second time: the first one also makes ready. */
export async function secondTime(run: () => Promise<unknown>): Promise<number> {
  await run();
  const [seconds] = await timed(run);
  return seconds;
}

/** The settings that draw a few steps. */
export function fewStepSettings({ config: { sampling } }: Bench) {
  return { steps: fewSteps, eta: sampling.eta, guidance: sampling.guidanceScale };
}

/** An adapter as a run would train it by default, and where it starts. */
export function adapterOf({ pipeline, config: { training } }: Bench) {
  const { graph } = pipeline.denoiser;
  const { loraRank, loraAlpha } = training;
  const sites = adapterSites(graph, 'attention');
  const tensors: Adapter = initialAdapter(sites.values(), loraRank, randomOf('measured').gaussian);
  const initial: TrainState = initialState(tensors);
  return {
    initial,
    options: {
      trainable: trainableAdapter(graph, 'attention', loraRank, loraAlpha),
      adamW: adamWOf(training),
      learningRate: training.learningRate,
    },
  };
}

/** What a trainer that is given its images takes of a pipeline. */
export function inputsOf({ pipeline, emptyContext }: Bench) {
  return {
    externalDataFolder: pipeline.denoiser.folder,
    scheduler: pipeline.scheduler,
    latent: pipeline.latentShape,
    context: pipeline.conditioning,
    emptyContext,
  };
}

/** What one image that is drawn starts from. */
export function originOf({ pipeline, context }: Bench, seed = 1) {
  const size = sizeOf(pipeline.latentShape);
  return {
    prompts: ['any'],
    contexts: [context],
    latents: startingNoise(seed, size),
    noise: (step: number) => stepNoise(seed, step, size),
  };
}
