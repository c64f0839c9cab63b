/**
 * @file What a round draws: which images, from which seeds, compared how. A function of the round
 * alone.
 */
import { derivedId } from '@/db/ids';
import type { NewGroup, NewPair } from '@/db/rounds/samples';
import type { Round } from '@/db/schema/rounds';
import { annealingName, sizeName } from '@/lib/drawings';
import type { RunConfig } from '@/lib/settings/run-config';
import { windowSteps } from '@/lib/settings/sampling';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import type { NoiseWindow } from '@/trainer/diffusion/sampling/noise';
import type { SampleRequest } from '@/trainer/diffusion/sampling/sampler';
import { dealt, randomOf, trainingSeed } from './random';

/** An image to draw, with the id of its row. */
export interface PlannedSample extends SampleRequest {
  id: string;
  groupId: string | null;
}

export interface SamplingPlan {
  samples: PlannedSample[];
  pairs: NewPair[];
  groups: NewGroup[];
  /** Images that are compared with each other, one after the other in `samples`. */
  comparedTogether: number;
}

type Planned = Pick<Round, 'id' | 'ordinal' | 'config'>;

/**
 * Pairs, or groups, in the order in which they are drawn and may be judged. Seeds and prompts
 * follow from the run's seed and the round's ordinal; ids from the round, so that a resumed round
 * writes the same rows.
 */
export function planSampling(round: Planned): SamplingPlan {
  const { sampling } = round.config;
  const inGroups = sampling.pairSource === 'groups';
  const items = inGroups ? sampling.groupsPerRound : sampling.pairsPerRound;
  const size = inGroups ? sampling.groupSize : 2;
  const plan: SamplingPlan = { samples: [], pairs: [], groups: [], comparedTogether: size };
  const prompts = promptDeck(round, items);
  for (const [item, prompt] of prompts.entries()) {
    const groupId = inGroups ? derivedId(round.id, 'group', item) : null;
    const members = Array.from({ length: size }, (_, member) => ({
      id: derivedId(round.id, 'sample', item, member),
      groupId,
      prompt,
      ...seedsOf(round, item, member),
      ...windowOf(round, item),
    }));
    plan.samples.push(...members);
    if (groupId) plan.groups.push({ id: groupId, roundId: round.id, prompt, size });
    else plan.pairs.push(pairOf(round, item, members as [PlannedSample, PlannedSample]));
  }
  return plan;
}

function seedsOf({ ordinal, config }: Planned, item: number, member: number) {
  const own = [config.seed, ordinal, item, member] as const;
  const start = config.sampling.sharedNoise ? [config.seed, ordinal, item] : own;
  return { seed: trainingSeed('x_T', ...start), noiseSeed: trainingSeed('z', ...own) };
}

/** The steps at which the images of a pair or group differ; it begins in the noisier half. */
function windowOf({ ordinal, config }: Planned, item: number): { window?: NoiseWindow } {
  const { noiseWindow, inferenceSteps, sharedNoise } = config.sampling;
  const steps = windowSteps(noiseWindow, inferenceSteps);
  if (!sharedNoise || steps >= inferenceSteps) return {};
  const starts = 1 + Math.min(inferenceSteps - steps, Math.floor(inferenceSteps / 2));
  return {
    window: { first: randomOf('window', config.seed, ordinal, item).integer(starts), steps },
  };
}

function pairOf(
  round: Planned,
  item: number,
  [first, second]: [PlannedSample, PlannedSample],
): NewPair {
  const { sampling, labeling } = round.config;
  return {
    id: derivedId(round.id, 'pair', item),
    roundId: round.id,
    groupId: null,
    prompt: first.prompt,
    sampleAId: first.id,
    sampleBId: second.id,
    sharedNoise: sampling.sharedNoise,
    purpose: 'training',
    target: labeling.annotatorsPerPair,
  };
}

/** Each round goes on where the last one stopped. */
function promptDeck({ ordinal, config }: Planned, count: number): string[] {
  return promptsFrom(config, (ordinal - 1) * count, count);
}

/**
 * Prompts from a deck that is shuffled anew when it runs out. @param first place of the first in
 * the run, from 0
 */
export function promptsFrom(
  { prompts, seed }: Pick<RunConfig, 'prompts' | 'seed'>,
  first: number,
  count: number,
): string[] {
  return dealt(prompts, first, count, 'prompts', seed);
}

/**
 * A policy's evaluation images: the same prompts and seeds for every policy of a run, drawn as the
 * run says.
 */
export function planEvaluation(
  policyId: string,
  config: RunConfig,
  annealing?: Annealing,
): PlannedSample[] {
  const { evaluation, evaluationPrompts, sampling } = config;
  const { inferenceSteps, eta, guidanceScale } = sampling;
  const size = sizeName(config);
  return Array.from({ length: evaluation.images }, (_, i) => {
    const prompt = evaluationPrompts[i % evaluationPrompts.length]!;
    const seed = evaluation.seed + i;
    const drawn = [prompt, seed, inferenceSteps, eta, guidanceScale];
    if (size) drawn.push(size);
    if (annealing) drawn.push(annealingName(annealing));
    const id = derivedId('evaluation', policyId, ...drawn);
    return { id, groupId: null, prompt, seed, noiseSeed: seed };
  });
}
