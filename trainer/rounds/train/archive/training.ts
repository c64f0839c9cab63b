/**
 * @file Diffusion-DPO and KTO on one round: its frozen pairs or labels, noised anew in every step.
 */

import { trainingLabelsOf, trainingPairsOf } from '@/db/answers/training-data';
import { sha256 } from '@/db/blobs/store';
import type { Sample } from '@/db/schema/labels';
import { type MethodOf, trainsBy } from '@/lib/methods';
import type { RunConfig } from '@/lib/settings/run-config';
import type { NoisedExample } from '@/trainer/methods/noised-images/method';
import type { NoiseDraw } from '@/trainer/methods/noised-images/noised-run';
import { noisedImages } from '@/trainer/methods/registry';
import type { Label } from '../../draw/random';
import { openTrainee } from '../trainee';
import type { Training, TrainingContext } from '../training';
import { metricsOfNoiseStep } from './metrics';
import { openNoiseTrainer } from './noise-trainer';
import { startNoise } from './own-noise';
import { imagesOfStep, noiseDraw, pairsOfStep } from './plan';

/** A round's frozen data as its method needs it. */
interface Data {
  settings: Pick<
    RunConfig['kto'],
    'referencePolicy' | 'emptyPromptShare' | 'noise' | 'normHinge' | 'optimiserSteps'
  >;
  examples: { prompt: string; samples: Sample[]; weight: number; good?: boolean }[];
  perStep: number;
  /** Which examples a step takes. */
  ofStep(step: number): number[];
}

async function pairData(
  roundId: string,
  settings: RunConfig[MethodOf<'finished-pairs'>],
  label: Label,
): Promise<Data> {
  const pairs = await trainingPairsOf(roundId);
  return {
    settings,
    examples: pairs.map(({ prompt, winner, loser, weight }) => ({
      prompt,
      samples: [winner, loser],
      weight,
    })),
    perStep: settings.pairsPerStep,
    ofStep: (step) => pairsOfStep(pairs.length, settings.pairsPerStep, step, label),
  };
}

async function labelData(
  roundId: string,
  settings: RunConfig[MethodOf<'finished-images'>],
  label: Label,
): Promise<Data> {
  const labels = await trainingLabelsOf(roundId);
  const good = labels.map((one) => one.good);
  const { imagesPerStep: perStep, goodShare, goodWeight, badWeight } = settings;
  return {
    settings,
    examples: labels.map(({ sample, good: isGood }) => ({
      prompt: sample.prompt,
      samples: [sample],
      weight: isGood ? goodWeight : badWeight,
      good: isGood,
    })),
    perStep,
    ofStep: (step) => imagesOfStep(good, { perStep, goodShare }, step, label),
  };
}

/**
 * Opens a method that learns from finished images on a round, whose data was frozen when it was
 * opened.
 */
export async function openNoisedImagesTraining(
  context: TrainingContext<MethodOf<'finished-pairs' | 'finished-images'>>,
): Promise<Training> {
  const { round, method: name } = context;
  const { config } = round;
  const trainee = await openTrainee(context);
  const { conditioning, training } = trainee;
  const label = [...trainee.label];
  const data = await (trainsBy(name, 'finished-pairs')
    ? pairData(round.id, config[name], label)
    : labelData(round.id, config[name], label));
  const { settings, examples, perStep: examplesPerStep } = data;
  const method = noisedImages[name](config);
  const own = { method, examplesPerStep, settings };
  const { trainer, latents, noise } = await openNoiseTrainer(context, trainee, own);
  const exampleAt = async (index: number): Promise<NoisedExample> => {
    const { prompt, samples, weight, good } = examples[index]!;
    const images: Float32Array[] = [];
    for (const sample of samples) images.push(await latents.of(sample));
    return {
      images,
      context: await conditioning.encode(prompt),
      weight,
      ...(good !== undefined && { good }),
    };
  };
  const ownOf = (index: number) =>
    Promise.all(
      examples[index]!.samples.map(async (sample) =>
        (await latents.isExact(sample)) ? startNoise(sample, noise.size) : undefined,
      ),
    );
  const step = async (index: number) => {
    const chosen: NoisedExample[] = [];
    const draws: NoiseDraw[] = [];
    for (const [place, example] of data.ofStep(index).entries()) {
      chosen.push(await exampleAt(example));
      const draw = noiseDraw(noise, index, place, label);
      draws.push(settings.noise === 'start' ? { ...draw, own: await ownOf(example) } : draw);
    }
    return metricsOfNoiseStep(await trainer.step(chosen, draws), noise.scheduler.trainingSteps);
  };
  return training(trainer, { steps: settings.optimiserSteps, dataHash: hashOf(data), step }, () =>
    latents.release(),
  );
}

/** Tells what was trained on from any other data: prompts, images, order, weights and labels. */
function hashOf({ examples }: Data): string {
  const rows = examples.map(({ prompt, samples, weight, good }) => [
    prompt,
    // Not the hash of the trajectory: of one image it changes when all but x_0 is given up.
    ...samples.map(({ imageBlob, trajectoryBlob }) => [imageBlob, trajectoryBlob !== null]),
    weight,
    good ?? null,
  ]);
  return sha256(new TextEncoder().encode(JSON.stringify(rows)));
}
