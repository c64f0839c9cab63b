/**
 * @file A round's finished images, each with the share of its comparisons that it won. Images of
 * one pair or group are noised alike and stay together in a step: what tells them apart is then
 * the images alone.
 */
import { type TrainingPair, trainingPairsOf } from '@/db/answers/training-data';
import { sha256 } from '@/db/blobs/store';
import type { Sample } from '@/db/schema/labels';
import type { MethodOf } from '@/lib/methods';
import type { RunConfig } from '@/lib/settings/run-config';
import { gradesOf } from '@/lib/training/grades';
import type { NoisedExample, NoisedImagesMethod } from '@/trainer/methods/noised-images/method';
import type { NoiseDraw } from '@/trainer/methods/noised-images/noised-run';
import { noisedImages } from '@/trainer/methods/registry';
import { randomOf } from '../../draw/random';
import { metricsOfNoiseStep } from '../archive/metrics';
import { openNoiseTrainer } from '../archive/noise-trainer';
import { pathNoise, startNoise } from '../archive/own-noise';
import { noiseDraw, pairsOfStep } from '../archive/plan';
import { Trajectories } from '../d3po/trajectories';
import { openTrainee } from '../trainee';
import type { Training, TrainingContext } from '../training';

/** What every method of graded images says of its steps. */
type GradedSettings = Pick<
  RunConfig['kto'],
  'referencePolicy' | 'emptyPromptShare' | 'normHinge' | 'optimiserSteps'
> & { groupsPerStep: number; noise: RunConfig['nft']['noise'] };

/** Images of one prompt that were compared with each other. */
interface GradedGroup {
  prompt: string;
  images: { sample: Sample; grade: number }[];
}

/** Opens a method of graded images on a round whose labeling has ended. */
export async function openGradedTraining(
  context: TrainingContext<MethodOf<'graded-images'>>,
): Promise<Training> {
  const { round, start, method: name } = context;
  const { config } = round;
  const settings: GradedSettings = config[name];
  const groups = groupsOf(await trainingPairsOf(round.id));
  const trainee = await openTrainee(context);
  const { label, conditioning, training } = trainee;
  const make: (config: RunConfig) => NoisedImagesMethod = noisedImages[name];
  const { groupsPerStep } = settings;
  const largest = Math.max(...groups.map(({ images }) => images.length));
  const method = make(config);
  const { trainer, latents, noise } = await openNoiseTrainer(context, trainee, {
    method,
    examplesPerStep: groupsPerStep * largest,
    settings,
  });
  const { scheduler } = start.pipeline;
  /** @param group its place in the step */
  const examplesOf = async ({ prompt, images }: GradedGroup, group: number) => {
    const examples: NoisedExample[] = [];
    const advantages = method.advantages?.(images.map(({ grade }) => grade));
    for (const [i, { sample, grade }] of images.entries()) {
      const own = [await latents.of(sample)];
      const prompted = { images: own, context: await conditioning.encode(prompt), weight: 1 };
      examples.push({
        ...prompted,
        grade,
        group,
        ...(advantages && { advantage: advantages[i]! }),
      });
    }
    return examples;
  };
  const trajectories = new Trajectories(config);
  /** How the images of a group are noised: alike, or each with noise of its own. */
  const drawsOf = async (
    { images }: GradedGroup,
    draw: NoiseDraw,
    index: number,
    place: number,
  ) => {
    if (settings.noise === 'fresh') return images.map(() => draw);
    if (settings.noise === 'start') {
      return images.map(({ sample }) => ({ ...draw, own: [startNoise(sample, noise.size)] }));
    }
    const moving = scheduler.movingTimesteps(config.sampling.inferenceSteps, config.sampling.eta);
    const at = randomOf(...label, 'path', index, place).integer(moving.length);
    const draws: NoiseDraw[] = [];
    for (const { sample } of images) {
      const own = [pathNoise(scheduler, await trajectories.of(sample), at)];
      draws.push({ ...draw, timestep: moving[at]!, own });
    }
    return draws;
  };
  const step = async (index: number) => {
    const examples: NoisedExample[] = [];
    const draws: NoiseDraw[] = [];
    const chosen = pairsOfStep(groups.length, groupsPerStep, index, [...label]);
    for (const [place, group] of chosen.entries()) {
      const draw = noiseDraw(noise, index, place, [...label]);
      examples.push(...(await examplesOf(groups[group]!, place)));
      draws.push(...(await drawsOf(groups[group]!, draw, index, place)));
    }
    return metricsOfNoiseStep(await trainer.step(examples, draws), scheduler.trainingSteps);
  };
  const own = { steps: settings.optimiserSteps, dataHash: hashOf(groups), step };
  return training(trainer, own, () => latents.release());
}

function groupsOf(pairs: readonly TrainingPair[]): GradedGroup[] {
  const together = new Map<string, TrainingPair[]>();
  for (const pair of pairs) {
    const key = pair.groupId ?? `pair ${pair.ordinal}`;
    together.set(key, [...(together.get(key) ?? []), pair]);
  }
  return [...together.values()].map((own) => {
    const samples = new Map(
      own.flatMap(({ winner, loser }) => [winner, loser]).map((s) => [s.id, s]),
    );
    return {
      prompt: own[0]!.prompt,
      images: [...gradesOf(own)].map(([id, grade]) => ({ sample: samples.get(id)!, grade })),
    };
  });
}

/** Tells what was trained on from any other data: prompts, images, order and grades. */
function hashOf(groups: readonly GradedGroup[]): string {
  const rows = groups.map(({ prompt, images }) => [
    prompt,
    ...images.map(({ sample, grade }) => [sample.imageBlob, grade]),
  ]);
  return sha256(new TextEncoder().encode(JSON.stringify(rows)));
}
