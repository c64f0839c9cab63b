/**
 * @file Simulated annotators: what a judge reads in images, a taste, and a share of random
 * mistakes.
 */
import type { Answer } from '@/lib/answers';
import { defectsIn, promptAgreement, type Verdict } from '@/trainer/hands/judge/verdict';
import { parsePrompt } from '@/trainer/hands/prompts';
import type { Random } from '@/trainer/random';

/**
 * Which images of a group a person tags as bad. @param mistakes probability that a tag is wrong, in
 * [0, 1]
 */
export function tag(
  group: readonly Verdict[],
  bad: (verdict: Verdict) => boolean,
  mistakes: number,
  random: Random,
): boolean[] {
  return group.map((verdict) => (random.chance(mistakes) ? !bad(verdict) : bad(verdict)));
}

/**
 * How good an image looks to a person; of two, the better one has the higher numbers, the first
 * that differs deciding.
 */
export type Taste = (prompt: string, verdict: Verdict) => readonly number[];

/** Of two images the one that shows more of what was asked. */
export const followsPrompt: Taste = (prompt, verdict) => [
  promptAgreement(parsePrompt(prompt), verdict),
];

/** As the guidelines ask: fewer defects first, then the prompt. */
export const looksRight: Taste = (prompt, verdict) => [
  -defectsIn(verdict),
  ...followsPrompt(prompt, verdict),
];

/**
 * What a person answers: the side that their taste puts first; where it sees no difference, that
 * both are bad if both have a defect, else a tie. @param mistakes share of answers that fall on a
 * side by lot, in [0, 1]
 */
export function answer(
  prompt: string,
  [left, right]: readonly [Verdict, Verdict],
  taste: Taste,
  mistakes: number,
  random: Random,
): Answer {
  if (random.chance(mistakes)) return random.pick(['left', 'right']);
  const other = taste(prompt, right);
  const difference = taste(prompt, left)
    .map((value, i) => value - other[i]!)
    .find((d) => d !== 0);
  if (difference) return difference > 0 ? 'left' : 'right';
  return Math.min(defectsIn(left), defectsIn(right)) > 0 ? 'both-bad' : 'tie';
}
