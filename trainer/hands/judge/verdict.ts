/** @file What a judge reads in an image, and the order in which its network says so. */
import {
  type Attributes,
  BACKGROUND_NAMES,
  type HandTruth,
  POSE_NAMES,
  SKIN_NAMES,
  SLEEVE_NAMES,
} from '../world/attributes';

/**
 * Finger counts as a person would call them; `unclear` is a hand whose fingers are fused, broken
 * off or smeared.
 */
export const FINGER_VERDICTS = [3, 4, 5, 6, 7, 'unclear'] as const;
export type FingerVerdict = (typeof FINGER_VERDICTS)[number];

/** The network's questions, each with its possible answers in the order of its logits. */
export const QUESTIONS = {
  fingers: FINGER_VERDICTS,
  blood: [false, true],
  skin: SKIN_NAMES,
  sleeve: SLEEVE_NAMES,
  background: BACKGROUND_NAMES,
  pose: POSE_NAMES,
} as const;

export type Question = keyof typeof QUESTIONS;
export const QUESTION_NAMES = Object.keys(QUESTIONS) as readonly Question[];

/** What one judge says of one image. */
export interface Verdict extends Attributes {
  fingers: FingerVerdict;
  /** Anything but five clear fingers. */
  deformed: boolean;
  /** Probability that it is deformed. */
  deformedProbability: number;
  blood: boolean;
  bloodProbability: number;
}

/** What should be said of a drawn hand. */
export interface JudgedTruth extends Omit<HandTruth, 'fingers'> {
  fingers: FingerVerdict;
}

/** Index of the right answer of every question, in the order of `QUESTION_NAMES`. */
export function rightAnswers(truth: JudgedTruth): number[] {
  return QUESTION_NAMES.map((question) => {
    const answers: readonly unknown[] = QUESTIONS[question];
    return answers.indexOf(truth[question]);
  });
}

/** Reads one verdict from the probabilities of every question. */
export function readVerdict(probabilities: Record<Question, ArrayLike<number>>): Verdict {
  const best = <Q extends Question>(question: Q): (typeof QUESTIONS)[Q][number] => {
    const shares = probabilities[question];
    let winner = 0;
    for (let at = 1; at < shares.length; at++) {
      if (shares[at]! > shares[winner]!) winner = at;
    }
    return QUESTIONS[question][winner]!;
  };
  const fingers = best('fingers');
  const five = probabilities.fingers[FINGER_VERDICTS.indexOf(5)]!;
  return {
    fingers,
    deformed: fingers !== 5,
    deformedProbability: 1 - five,
    blood: best('blood'),
    bloodProbability: probabilities.blood[1]!,
    skin: best('skin'),
    sleeve: best('sleeve'),
    background: best('background'),
    pose: best('pose'),
  };
}

/** How many of the two defects an image has. */
export function defectsIn({ deformed, blood }: Pick<Verdict, 'deformed' | 'blood'>): number {
  return Number(deformed) + Number(blood);
}

/** Share of what the prompt asks for that the image shows; 1 when it asks for nothing. */
export function promptAgreement(wanted: Partial<Attributes>, seen: Attributes): number {
  const keys = Object.keys(wanted) as (keyof Attributes)[];
  if (keys.length === 0) return 1;
  return keys.filter((key) => wanted[key] === seen[key]).length / keys.length;
}
