/** @file Pairs of candidates, drawn step by step under the policy as it is. */

import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { RolloutSettings } from '@/trainer/diffusion/sampling/trajectory';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import { predictedMean, takeStep } from '@/trainer/diffusion/schedulers/step';
import { concatenated } from '@/trainer/graph/tensor';
import type { DrawOrigin } from '../policy-gradient/draw';
import type { TrainedDenoiser } from '../rollouts/trained-denoiser';
import { bestAndWorst, type ChoiceSettings } from './choice';

/** Two next latents of one x_t. Arrays are [C, H, W] and share memory with their batch. */
export interface StepPair {
  /** Of the prompt. */
  context: Conditioning;
  /** 0 is the noisiest. */
  timestepIndex: number;
  /** x_t. */
  sample: Float32Array;
  /** x_t' that the reward prefers, and the other one. */
  winner: Float32Array;
  loser: Float32Array;
  /** The reference's guided output at x_t. */
  reference: Float32Array;
}

export interface PairDraw {
  pairs: StepPair[];
  /** Of every candidate that was looked at. */
  scores: number[];
}

export interface DrawParts {
  denoiser: Pick<TrainedDenoiser, 'predict'>;
  /** Rewards of the images that latents of the whole batch decode to. */
  score: (latents: Float32Array, prompts: readonly string[]) => Promise<Float32Array>;
  scheduler: Scheduler;
  settings: RolloutSettings;
  choice: ChoiceSettings;
  /** Steps that may be trained on, from the noisiest: none is taken beyond them. */
  eligibleSteps: number;
}

/** A candidate of all images of a batch. */
interface Candidate {
  next: Float32Array;
  scores: Float32Array;
  /** The policy's guided output at it, where there is a step to come. */
  output: Float32Array | undefined;
}

/** Draws a batch and forms its pairs. @param random uniform in [0, 1) */
export async function drawPairs(
  { latents, contexts, prompts, noise }: DrawOrigin,
  { denoiser, score, scheduler, settings, choice, eligibleSteps }: DrawParts,
  random: () => number,
): Promise<PairDraw> {
  const images = prompts.length;
  const size = latents.length / images;
  const own = (batch: Float32Array, image: number) =>
    batch.subarray(image * size, (image + 1) * size);
  const timesteps = scheduler.movingTimesteps(settings.steps);
  const coefficients = timesteps.map((timestep) =>
    scheduler.coefficients(timestep, settings.steps, settings.eta),
  );
  const predict = (policy: 'trained' | 'base', step: number, sample: Float32Array) =>
    denoiser.predict(policy, sample, timesteps[step]!, contexts);
  const look = async (next: Float32Array, step: number): Promise<Candidate> => {
    const coming = coefficients[step];
    if (!coming) return { next, scores: await score(next, prompts), output: undefined };
    const output = await predict('trained', step, next);
    const { original } = predictedMean(coming, next, output);
    return { next, scores: await score(original, prompts), output };
  };

  const draw: PairDraw = { pairs: [], scores: [] };
  let sample = latents;
  let known: Float32Array | undefined;
  for (let step = 0; step < eligibleSteps; step++) {
    const output = known ?? (await predict('trained', step, sample));
    const nextOf = (candidate: number) =>
      takeStep(coefficients[step]!, images, {
        sample,
        output,
        noise: noise(step * choice.candidates + candidate),
      }).previous;
    if (step < choice.startStep) {
      [sample, known] = [nextOf(0), undefined];
      continue;
    }
    const candidates: Candidate[] = [];
    for (let k = 0; k < choice.candidates; k++) candidates.push(await look(nextOf(k), step + 1));
    draw.scores.push(...candidates.flatMap(({ scores }) => [...scores]));
    const chosen = prompts.map((_, image) =>
      bestAndWorst(
        candidates.map(({ scores }) => scores[image]!),
        choice,
      ),
    );
    if (chosen.some((one) => one !== null)) {
      const reference = await predict('base', step, sample);
      for (const [image, one] of chosen.entries()) {
        if (!one) continue;
        draw.pairs.push({
          context: contexts[image]!,
          timestepIndex: step,
          sample: own(sample, image),
          winner: own(candidates[one.best]!.next, image),
          loser: own(candidates[one.worst]!.next, image),
          reference: own(reference, image),
        });
      }
    }
    const taken = prompts.map(() => candidates[Math.floor(random() * choice.candidates)]!);
    const gathered = (read: (candidate: Candidate) => Float32Array) =>
      concatenated(taken.map((candidate, image) => own(read(candidate), image)));
    sample = gathered(({ next }) => next);
    const last = step + 1 === timesteps.length;
    known = last ? undefined : gathered((candidate) => candidate.output as Float32Array);
  }
  return draw;
}
