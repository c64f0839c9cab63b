import { z } from 'zod';
import { AppError } from './errors';
import type { LearnsFrom } from './methods';
import type { RunMode } from './runs';
import type { RoundWorkKind } from './work';

export const roundStates = [
  'sampling',
  'labeling',
  'training',
  'evaluating',
  'done',
  'failed',
  'cancelled',
] as const;

export const roundStateSchema = z.enum(roundStates);

export type RoundState = z.infer<typeof roundStateSchema>;

/** What each state is called. */
export const roundStateLabels: Record<RoundState, string> = {
  sampling: 'Sampling',
  labeling: 'Labeling',
  training: 'Training',
  evaluating: 'Evaluating',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

const trainingMeanings: Record<LearnsFrom, string> = {
  picks:
    'The answers are frozen into training pairs and the method runs over them. Open pairs are withdrawn: their images come from a policy about to be replaced.',
  archive:
    'What people have said of this pipeline’s images was frozen when the round opened, and the method runs over it. Nobody is asked.',
  reward: 'The policy draws images and follows what its reward says of them. Nobody is asked.',
};

/** What becomes of what people said in a round that stops. */
export function keptText(learnsFrom: LearnsFrom): string {
  return learnsFrom === 'picks'
    ? 'Answers and the last good checkpoint are kept.'
    : 'The last good checkpoint is kept.';
}

/** What a state means in a round of a method, and what moves the round on. */
export function stateMeaning(
  state: RoundState,
  { mode, learnsFrom }: { mode: RunMode; learnsFrom: LearnsFrom },
): string {
  switch (state) {
    case 'sampling':
      return 'The trainer draws images with the policy the round started from. Pairs can be labeled as soon as they appear; the round moves on when all of them are drawn.';
    case 'labeling':
      return 'All pairs are drawn and people pick. The round moves on when enough answers are older than the undo window, or when everybody who takes part, and as many people as a pair needs, have judged or skipped what is left.';
    case 'training':
      return trainingMeanings[learnsFrom];
    case 'evaluating':
      return 'The new policy draws the fixed evaluation prompts and seeds and is compared with the policy the round started from.';
    case 'done':
      return mode === 'single'
        ? 'The new policy and its evaluation are stored. A single round serves nothing by itself.'
        : 'The new policy and its evaluation are stored. Whether it is served follows from the rule of the run, which has started its next round.';
    case 'failed':
      return `Something stopped the round; its error says what and what to do. ${keptText(learnsFrom)}`;
    case 'cancelled':
      return learnsFrom === 'picks'
        ? 'A researcher ended the round. Its answers are kept and exported, but it does not train on them.'
        : 'A researcher ended the round.';
  }
}

const transitions: Record<RoundState, readonly RoundState[]> = {
  sampling: ['labeling', 'failed', 'cancelled'],
  labeling: ['training', 'failed', 'cancelled'],
  training: ['evaluating', 'failed', 'cancelled'],
  evaluating: ['done', 'failed', 'cancelled'],
  done: [],
  // Tried again from its last checkpoint, at whatever work had failed.
  failed: ['sampling', 'training', 'evaluating', 'cancelled'],
  cancelled: [],
};

export const unfinishedStates = ['sampling', 'labeling', 'training', 'evaluating'] as const;

/** True for done, failed and cancelled: nothing more happens unless a person asks for it. */
export function isFinished(state: RoundState): boolean {
  return !(unfinishedStates as readonly RoundState[]).includes(state);
}

/** Whether training pairs of a round in this state are offered and their answers counted. */
export function acceptsPreferences(state: RoundState): boolean {
  return state === 'sampling' || state === 'labeling';
}

/** Throws 'conflict' when a round may not go from one state to the other. */
export function assertTransition(from: RoundState, to: RoundState): void {
  if (transitions[from].includes(to)) return;
  const allowed = transitions[from].join(', ') || 'nowhere: it is over';
  throw new AppError(
    'conflict',
    `A round cannot go from ${from} to ${to}; from there it may go to ${allowed}.`,
  );
}

/** The work a trainer has to do in a state; null where people do it, or nobody. */
export function workOf(state: RoundState): RoundWorkKind | null {
  if (state === 'sampling') return 'sample';
  if (state === 'training') return 'train';
  if (state === 'evaluating') return 'evaluate';
  return null;
}

/** How far a round has come. Counts of images, preferences, optimiser steps and images; seconds. */
export const roundProgressSchema = z.object({
  sampled: z.number().int().nonnegative(),
  samplesWanted: z.number().int().nonnegative(),
  labeled: z.number().int().nonnegative(),
  preferencesWanted: z.number().int().nonnegative(),
  trainedSteps: z.number().int().nonnegative(),
  trainSteps: z.number().int().nonnegative(),
  evaluated: z.number().int().nonnegative(),
  evaluationsWanted: z.number().int().nonnegative(),
  etaSeconds: z.number().nonnegative().nullable(),
});

export type RoundProgress = z.infer<typeof roundProgressSchema>;
