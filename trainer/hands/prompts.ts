/**
 * @file The prompts of the hands world: "1 hand, dark skin, red sleeve, blue background, tilted
 * left". Every attribute may be left out. Complete prompts are split in two sets that never meet:
 * policies are trained on one and measured on the other.
 */

import type { Random } from '@/trainer/random';
import {
  type Attributes,
  BACKGROUND_NAMES,
  POSE_NAMES,
  SKIN_NAMES,
  SLEEVE_NAMES,
} from './world/attributes';

/** The prompt that asks for nothing but a hand, as in the D3PO paper's hand experiment. */
export const BARE_PROMPT = '1 hand';

/** One complete prompt in so many is kept for evaluation. */
const EVALUATION_SHARE = 5;

/** What a prompt says of each attribute; those left out are not mentioned. */
export function describeAttributes({
  skin,
  sleeve,
  background,
  pose,
}: Partial<Attributes>): string[] {
  const parts: string[] = [];
  if (skin) parts.push(`${skin} skin`);
  if (sleeve) parts.push(`${sleeve} sleeve`);
  if (background) parts.push(`${background} background`);
  if (pose) parts.push(pose);
  return parts;
}

/** Writes a prompt; attributes left out are not mentioned. */
export function writePrompt(attributes: Partial<Attributes>): string {
  return [BARE_PROMPT, ...describeAttributes(attributes)].join(', ');
}

/**
 * Reads what a prompt asks for; parts that the grammar does not know are ignored, as a model would.
 */
export function parsePrompt(prompt: string): Partial<Attributes> {
  const wanted: Partial<Attributes> = {};
  for (const part of prompt.toLowerCase().split(',')) {
    const words = part.trim().replace(/\s+/g, ' ');
    const skin = SKIN_NAMES.find((name) => words === `${name} skin`);
    const sleeve = SLEEVE_NAMES.find((name) => words === `${name} sleeve`);
    const background = BACKGROUND_NAMES.find((name) => words === `${name} background`);
    const pose = POSE_NAMES.find((name) => words === name);
    if (skin) wanted.skin = skin;
    if (sleeve) wanted.sleeve = sleeve;
    if (background) wanted.background = background;
    if (pose) wanted.pose = pose;
  }
  return wanted;
}

/**
 * Every attribute value occurs equally often on both sides of the split (but for rounding): it
 * follows the sum of the indices, as in a Latin square.
 */
function completePrompts(evaluation: boolean): string[] {
  const prompts: string[] = [];
  SKIN_NAMES.forEach((skin, i) => {
    SLEEVE_NAMES.forEach((sleeve, j) => {
      BACKGROUND_NAMES.forEach((background, k) => {
        POSE_NAMES.forEach((pose, l) => {
          const held = (i + j + 2 * k + 3 * l) % EVALUATION_SHARE === 0;
          if (held === evaluation) prompts.push(writePrompt({ skin, sleeve, background, pose }));
        });
      });
    });
  });
  return prompts;
}

/** Complete prompts on which policies may be trained. */
export const TRAINING_PROMPTS: readonly string[] = completePrompts(false);

/** Complete prompts that only measure. */
export const EVALUATION_PROMPTS: readonly string[] = completePrompts(true);

/** `count` prompts in a random order that repeats none before all have come. */
export function drawPrompts(random: Random, prompts: readonly string[], count: number): string[] {
  const drawn: string[] = [];
  while (drawn.length < count) {
    const deck = random.shuffled(prompts);
    drawn.push(...deck.slice(0, count - drawn.length));
  }
  return drawn;
}
