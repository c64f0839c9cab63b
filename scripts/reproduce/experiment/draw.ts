/** @file Images of the current policy with their trajectories and a judge's reading. */

import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import { type SampleRequest, Sampler } from '@/trainer/diffusion/sampling/sampler';
import type { Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import type { Judge, Measurement } from '@/trainer/hands/judge/judge';
import { policyOf, type Student } from './student';

export interface Drawn extends Measurement {
  prompt: string;
  pixels: Uint8Array;
  trajectory: Trajectory;
}

export interface DrawOptions {
  keepTrajectories: boolean;
  /** How much of the policy counts at each step; left out, all of it. */
  annealing?: Annealing | undefined;
}

const batch = 14;

/**
 * Draws every request with the policy (the base where `adapter` is undefined) and lets `judge` read
 * it.
 */
export async function* draw(
  student: Student,
  judge: Judge,
  adapter: Adapter | undefined,
  requests: readonly SampleRequest[],
  { keepTrajectories, annealing }: DrawOptions,
): AsyncGenerator<Drawn> {
  const { engine, pipeline, settings } = student;
  const { steps, eta, guidance } = settings;
  const sampler = await Sampler.open(engine, pipeline, {
    images: Math.min(batch, requests.length),
    settings: { steps, eta, guidance },
    annealing,
    ...policyOf(student, adapter),
  });
  try {
    for await (const sampled of sampler.sample(requests, { keepPredictions: keepTrajectories })) {
      const read = await judge.measure(sampled.map(({ image }) => image.data));
      for (const [i, { request, image, trajectory }] of sampled.entries()) {
        yield {
          ...read[i]!,
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
