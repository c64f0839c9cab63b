/**
 * @file A round's labels: images of the current policy, and what the simulated annotators say of
 * them.
 */
import { answer, type Taste, tag } from '@/scripts/annotators';
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Judge } from '@/trainer/hands/judge/judge';
import { drawPrompts, TRAINING_PROMPTS } from '@/trainer/hands/prompts';
import type { Comparison } from '@/trainer/methods/transitions/examples';
import type { Random } from '@/trainer/random';
import { type Label, randomOf } from '@/trainer/rounds/draw/random';
import type { Experiment } from './catalogue';
import { type Drawn, draw } from './draw';
import type { Student } from './student';

/** Share of judgements drawn by lot. */
export const mistakes = 0.05;

/** A pair or group with what the annotators made of it. */
export interface Judged {
  images: Drawn[];
  comparisons: Comparison[];
}

/**
 * Draws a round's images and asks the simulated annotators. What says nothing is counted and left
 * out.
 */
export async function collect(
  student: Student,
  eyes: Judge,
  adapter: Adapter,
  experiment: Experiment,
  label: Label,
): Promise<{ judged: Judged[]; judgements: number }> {
  const { source, perRound } = experiment;
  const size = imagesTogether(experiment);
  const random = randomOf(...label, 'annotators');
  const prompts = drawPrompts(randomOf(...label, 'prompts'), TRAINING_PROMPTS, perRound);
  const firstSeed = randomOf(...label, 'seeds').integer(900_000_000);
  const requests = prompts.flatMap((prompt, group) =>
    Array.from({ length: size }, (_, i) => ({
      prompt,
      seed: firstSeed + group * size + i,
      noiseSeed: firstSeed + group * size + i,
    })),
  );
  const judged: Judged[] = [];
  let images: Drawn[] = [];
  for await (const image of draw(student, eyes, adapter, requests, { keepTrajectories: true })) {
    images.push(image);
    if (images.length < size) continue;
    const comparisons =
      source.kind === 'groups'
        ? compareTagged(images, source.bad, random)
        : comparePicked(images as [Drawn, Drawn], source.taste, random);
    if (comparisons.length > 0) judged.push({ images, comparisons });
    images = [];
  }
  return { judged, judgements: source.kind === 'groups' ? perRound * size : perRound };
}

export function imagesTogether({ source }: Experiment): number {
  return source.kind === 'groups' ? source.size : 2;
}

/** Untagged beats tagged. */
function compareTagged(
  images: readonly Drawn[],
  bad: (verdict: Drawn['verdict']) => boolean,
  random: Random,
): Comparison[] {
  const verdicts = images.map(({ verdict }) => verdict);
  const tagged = tag(verdicts, bad, mistakes, random);
  const indices = images.map((_, i) => i);
  return indices
    .filter((i) => !tagged[i])
    .flatMap((winner) =>
      indices.filter((i) => tagged[i]).map((loser) => ({ winner, loser, weight: 1 })),
    );
}

function comparePicked(
  [one, other]: readonly [Drawn, Drawn],
  taste: Taste,
  random: Random,
): Comparison[] {
  const picked = answer(one.prompt, [one.verdict, other.verdict], taste, mistakes, random);
  if (picked !== 'left' && picked !== 'right') return [];
  const winner = picked === 'left' ? 0 : 1;
  return [{ winner, loser: 1 - winner, weight: 1 }];
}
