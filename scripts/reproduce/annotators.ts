/** @file Simulated annotators: judge B's reading with a share of random mistakes. Judge A, trained apart, measures. */
import { promptAgreement, type Verdict } from '@/trainer/hands/judge/verdict';
import { parsePrompt } from '@/trainer/hands/prompts';
import type { Random } from '@/trainer/hands/world/random';

/** Share of judgements drawn by lot. */
export const mistakes = 0.05;

/** Which images of a group a person tags as bad; each tag is wrong with probability `mistakes`. */
export function tag(
  group: readonly Verdict[],
  bad: (verdict: Verdict) => boolean,
  random: Random,
): boolean[] {
  return group.map((verdict) => (random.chance(mistakes) ? !bad(verdict) : bad(verdict)));
}

/** How good an image looks to a person; of two, the better one has the higher numbers, the first that differs deciding. */
export type Taste = (prompt: string, verdict: Verdict) => readonly number[];

/** Of two images the one that shows more of what was asked. */
export const followsPrompt: Taste = (prompt, verdict) => [
  promptAgreement(parsePrompt(prompt), verdict),
];

/** Fewer defects first, then the prompt. */
export const looksRight: Taste = (prompt, verdict) => [
  -Number(verdict.deformed) - Number(verdict.blood),
  ...followsPrompt(prompt, verdict),
];

/** Which image a person prefers: 0, 1, or null where they look alike to this person. */
export function pick(
  prompt: string,
  [first, second]: readonly [Verdict, Verdict],
  taste: Taste,
  random: Random,
): 0 | 1 | null {
  if (random.chance(mistakes)) return random.chance(0.5) ? 0 : 1;
  const other = taste(prompt, second);
  const difference = taste(prompt, first)
    .map((value, i) => value - (other[i] as number))
    .find((d) => d !== 0);
  return difference === undefined ? null : difference > 0 ? 0 : 1;
}
