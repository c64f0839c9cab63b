/** @file Images of the current policy with their trajectories and a judge's reading. */
import type { Adapter } from '@/trainer/diffusion/lora';
import type { Pipeline } from '@/trainer/diffusion/pipeline';
import { type SampleRequest, Sampler } from '@/trainer/diffusion/sampler';
import type { Trajectory } from '@/trainer/diffusion/trajectory';
import type { Judge, Measurement } from '@/trainer/hands/judge/judge';
import type { Trainable } from '@/trainer/methods/trainable';
import type { Engine } from '@/trainer/runtime/engine';
import { trainingSettings } from './experiments';

export interface Drawn extends Measurement {
  prompt: string;
  pixels: Uint8Array;
  trajectory: Trajectory;
}

const batch = 14;

/** Draws every request with the policy (the base where `adapter` is undefined) and lets `judge` read it. */
export async function* draw(
  engine: Engine,
  pipeline: Pipeline,
  judge: Judge,
  trainable: Trainable,
  adapter: Adapter | undefined,
  requests: readonly SampleRequest[],
  keepTrajectories: boolean,
): AsyncGenerator<Drawn> {
  const { steps, eta, guidance } = trainingSettings;
  const sampler = await Sampler.open(engine, pipeline, {
    images: Math.min(batch, requests.length),
    settings: { steps, eta, guidance },
    ...(adapter ? { policy: { ...trainable, tensors: adapter } } : {}),
  });
  try {
    for await (const sampled of sampler.sample(requests, { keepPredictions: keepTrajectories })) {
      const read = await judge.measure(sampled.map(({ image }) => image.data));
      for (const [i, { request, image, trajectory }] of sampled.entries()) {
        yield {
          ...(read[i] as Measurement),
          prompt: request.prompt,
          pixels: image.data,
          trajectory,
        };
      }
    }
  } finally {
    await sampler.release();
  }
}
