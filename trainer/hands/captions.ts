/**
 * @file Captions as dirty as the web's: attributes are missing or wrong and come in any order, and
 * nobody mentions defects. A base policy trained on them follows prompts imperfectly, which leaves
 * alignment room to grow.
 */

import type { Random } from '@/trainer/random';
import { BARE_PROMPT, describeAttributes } from './prompts';
import {
  type Attributes,
  BACKGROUND_NAMES,
  POSE_NAMES,
  SKIN_NAMES,
  SLEEVE_NAMES,
} from './world/attributes';

/** How captions go wrong. Shares in [0, 1]. */
export interface CaptionRates {
  /** Captions that say "1 hand" and nothing else. */
  bare: number;
  /** Attributes left out of the other captions. */
  missing: number;
  /** Mentioned attributes that are wrong. */
  wrong: number;
}

export const CAPTION_RATES: CaptionRates = { bare: 0.08, missing: 0.15, wrong: 0.1 };

/**
 * Writes a caption for an image of which `truth` is true. Fingers and blood are never mentioned. In
 * a fixed order, the last attribute would always stand where the text encoder sums up the others,
 * and the model would not learn it.
 */
export function writeCaption(
  random: Random,
  truth: Attributes,
  { bare, missing, wrong }: CaptionRates = CAPTION_RATES,
): string {
  if (random.chance(bare)) return BARE_PROMPT;
  const mention = <T>(value: T, all: readonly T[]): T | undefined => {
    if (random.chance(missing)) return undefined;
    return random.chance(wrong) ? random.pick(all.filter((other) => other !== value)) : value;
  };
  const parts = describeAttributes({
    skin: mention(truth.skin, SKIN_NAMES),
    sleeve: mention(truth.sleeve, SLEEVE_NAMES),
    background: mention(truth.background, BACKGROUND_NAMES),
    pose: mention(truth.pose, POSE_NAMES),
  });
  return [BARE_PROMPT, ...random.shuffled(parts)].join(', ');
}
