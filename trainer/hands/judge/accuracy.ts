/** @file How often a judge is right on drawn hands that no judge was trained on. */

import { createRandom } from '@/trainer/random';
import type { HandTruth } from '../world/attributes';
import { renderHand } from '../world/render';
import { disturb } from './data';
import type { Judge } from './judge';
import { QUESTION_NAMES, type Question } from './verdict';

/** Seeds from here on belong to this measurement alone. */
const FIRST_SEED = 3_000_000;

/** Wrong counts as often as the right one, so that no class hides behind another. */
const RATES = { deformed: 0.6, blood: 0.4 };

export type Accuracy = Record<Question, number>;

export interface JudgeAccuracy {
  images: number;
  /** Images as drawn. */
  drawn: Accuracy;
  /** The same with noise, blur and brightness. */
  disturbed: Accuracy;
}

/** Measures a judge on `count` drawn hands. Shares of right answers, 0 to 1. */
export async function measureAccuracy(judge: Judge, count: number): Promise<JudgeAccuracy> {
  const renders = Array.from({ length: count }, (_, index) =>
    renderHand(FIRST_SEED + index, {}, RATES),
  );
  const truths = renders.map(({ truth }) => truth);
  const random = createRandom(FIRST_SEED);
  return {
    images: count,
    drawn: await shares(
      judge,
      renders.map(({ pixels }) => pixels),
      truths,
    ),
    disturbed: await shares(
      judge,
      renders.map(({ pixels }) => disturb(random, pixels)),
      truths,
    ),
  };
}

async function shares(
  judge: Judge,
  images: readonly Uint8Array[],
  truths: readonly HandTruth[],
): Promise<Accuracy> {
  const measured = await judge.measure(images);
  const share = (question: Question) =>
    measured.filter(({ verdict }, at) => verdict[question] === truths[at]?.[question]).length /
    measured.length;
  return Object.fromEntries(
    QUESTION_NAMES.map((question) => [question, share(question)]),
  ) as Accuracy;
}

/** One line per question, for the screen. */
export function describeAccuracy({ images, drawn, disturbed }: JudgeAccuracy): string {
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const lines = QUESTION_NAMES.map(
    (question) =>
      `${question.padEnd(12)} drawn ${percent(drawn[question])}  disturbed ${percent(disturbed[question])}`,
  );
  return [`on ${images} drawn hands`, ...lines].join('\n');
}
