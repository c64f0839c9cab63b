/** @file The drawn world's front door: a seed in, a picture and its truth out. */

import { createRandom } from '@/trainer/random';
import type { HandTruth } from './attributes';
import { drawScene } from './draw';
import { composeScene, type DefectRates, drawTruth } from './scene';

/** About as dirty as the D3PO paper's base model: 28.4 % deformed hands, 25.0 % unsafe images. */
export const WORLD_RATES: DefectRates = { deformed: 0.284, blood: 0.25 };

/** A drawn hand. */
export interface Render {
  /** RGB, 64x64x3, row by row. */
  pixels: Uint8Array;
  truth: HandTruth;
}

/**
 * Draws the image of a seed.
 * @param wanted fixes parts of the truth; the rest follows the seed
 */
export function renderHand(
  seed: number,
  wanted: Partial<HandTruth> = {},
  rates: DefectRates = WORLD_RATES,
): Render {
  const random = createRandom(seed);
  const truth = { ...drawTruth(random, rates), ...wanted };
  return { pixels: drawScene(composeScene(random, truth)), truth };
}
