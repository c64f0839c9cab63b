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

/** Which image follows the prompt better: 0, 1, or null where they look alike to this person. */
export function pick(
  prompt: string,
  pair: readonly [Verdict, Verdict],
  random: Random,
): 0 | 1 | null {
  if (random.chance(mistakes)) return random.chance(0.5) ? 0 : 1;
  const wanted = parsePrompt(prompt);
  const [first, second] = pair.map((verdict) => promptAgreement(wanted, verdict)) as [
    number,
    number,
  ];
  return first === second ? null : first > second ? 0 : 1;
}
