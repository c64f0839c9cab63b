import type { Answer } from '@/lib/answers';
import { promptAgreement, type Verdict } from '@/trainer/hands/judge/verdict';
import { parsePrompt } from '@/trainer/hands/prompts';
import type { Random } from '@/trainer/hands/world/random';

/** How much each fault weighs, as the guidelines ask: defects before the prompt. */
const weights = { deformed: 1, blood: 1, misread: 0.5 };
/** Images whose faults differ by less look alike. */
const noticeable = 0.1;
/** From here on a person would take neither. */
const unacceptable = 0.5;

/** What speaks against an image, from 0 (nothing) up. */
function faults(prompt: string, seen: Verdict): number {
  const misread = 1 - promptAgreement(parsePrompt(prompt), seen);
  return (
    weights.deformed * seen.deformedProbability +
    weights.blood * seen.bloodProbability +
    weights.misread * misread
  );
}

/** What a careful person would answer, from what a judge read in both images. */
export function carefulAnswer(prompt: string, left: Verdict, right: Verdict): Answer {
  const [ofLeft, ofRight] = [faults(prompt, left), faults(prompt, right)];
  if (Math.abs(ofLeft - ofRight) >= noticeable) return ofLeft < ofRight ? 'left' : 'right';
  return Math.min(ofLeft, ofRight) >= unacceptable ? 'both-bad' : 'tie';
}

/** The same person on an ordinary day: some answers (a share of `mistakes`) are drawn by lot. */
export function humanAnswer(careful: Answer, mistakes: number, random: Random): Answer {
  return random.chance(mistakes) ? random.pick(['left', 'right'] as const) : careful;
}
