import { z } from 'zod';
import { AppError } from './errors';
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

/** What each state means, what moves the round on, and what a person can do about it. */
export const roundStateDescriptions: Record<RoundState, { label: string; meaning: string }> = {
  sampling: {
    label: 'Sampling',
    meaning:
      'The trainer draws images with the policy the round started from. Pairs can be labeled as soon as they appear; the round moves on when all of them are drawn.',
  },
  labeling: {
    label: 'Labeling',
    meaning:
      'All pairs are drawn and people pick. The round moves on when enough answers are older than the undo window, or when everybody who takes part, and as many people as a pair needs, have judged or skipped what is left.',
  },
  training: {
    label: 'Training',
    meaning:
      'The answers are frozen into training pairs, or were when the round opened on what was there, and the method runs over them. Open pairs are withdrawn: their images come from a policy about to be replaced.',
  },
  evaluating: {
    label: 'Evaluating',
    meaning:
      'The new policy draws the fixed evaluation prompts and seeds, and the judge compares it with the policy the round started from.',
  },
  done: {
    label: 'Done',
    meaning:
      'The new policy and its evaluation are stored. Whether it is served follows from the serving rule; an online run has started its next round.',
  },
  failed: {
    label: 'Failed',
    meaning:
      'Something stopped the round; its error says what and what to do. Answers and the last good checkpoint are kept.',
  },
  cancelled: {
    label: 'Cancelled',
    meaning:
      'A researcher ended the round. Its answers are kept and exported, but it does not train on them.',
  },
};

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
