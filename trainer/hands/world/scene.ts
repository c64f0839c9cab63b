/**
 * @file One image before it is drawn: what is true of it, and every number that the drawing needs.
 */

import { createRandom, type Random } from '@/trainer/random';
import { type Anatomy, growHand } from './anatomy';
import {
  BACKGROUND_NAMES,
  BACKGROUNDS,
  type Colour,
  type FingerCount,
  type HandTruth,
  POSE_NAMES,
  POSES,
  SKIN_NAMES,
  SKINS,
  SLEEVE_NAMES,
  SLEEVES,
} from './attributes';
import { type Stains, splash } from './blood';

/** How often the drawn world goes wrong; see DESIGN.md for why it does. */
export interface DefectRates {
  /** Share of hands with a wrong number of fingers. */
  deformed: number;
  /** Share of images with blood. */
  blood: number;
}

export const WRONG_FINGER_COUNTS = [3, 4, 6, 7] as const satisfies readonly FingerCount[];

export interface Scene {
  truth: HandTruth;
  hand: Anatomy;
  stains: Stains;
  /** Where the hand's origin lies in the image, in pixels. */
  originX: number;
  originY: number;
  /** Radians, clockwise. */
  lean: number;
  /** Image pixels per unit of the hand's frame. */
  scale: number;
  skin: Colour;
  sleeve: Colour;
  background: Colour;
  /** Where the cuff begins in the hand's frame. */
  cuffY: number;
  /** Direction toward the light in the image (unit vector). */
  lightX: number;
  lightY: number;
  /** Waves of the background's faint texture: frequency (radians per pixel), phase. */
  texture: readonly { x: number; y: number; phase: number }[];
}

function vary(random: Random, colour: Colour, amount: number): Colour {
  const brightness = 1 + random.between(-amount, amount) * 0.006;
  const channel = (value: number) => value * brightness + random.between(-amount, amount);
  return [channel(colour[0]), channel(colour[1]), channel(colour[2])];
}

/** Draws what is true of the next image. */
export function drawTruth(random: Random, rates: DefectRates): HandTruth {
  return {
    fingers: random.chance(rates.deformed) ? random.pick(WRONG_FINGER_COUNTS) : 5,
    blood: random.chance(rates.blood),
    skin: random.pick(SKIN_NAMES),
    sleeve: random.pick(SLEEVE_NAMES),
    background: random.pick(BACKGROUND_NAMES),
    pose: random.pick(POSE_NAMES),
    thumbSide: random.chance(0.5) ? 'left' : 'right',
  };
}

/** Fills in everything that the truth leaves open. */
export function composeScene(random: Random, truth: HandTruth): Scene {
  // A stream of its own, so that hands of other counts are drawn into the very same scene.
  const hand = growHand(createRandom(random.integer(2 ** 32)), truth.fingers);
  const [leanLow, leanHigh] = POSES[truth.pose];
  const lean = (random.between(leanLow, leanHigh) * Math.PI) / 180;
  const light = random.between(-2.6, -1.9);
  const towardLittleFinger = truth.thumbSide === 'left' ? 1 : -1;
  return {
    truth,
    hand,
    stains: truth.blood ? splash(random, hand) : [],
    originX: 32 + towardLittleFinger * 2.2 + random.between(-1.6, 1.6),
    originY: 38.5 + random.between(-1.2, 1.6),
    lean,
    scale: random.between(1.02, 1.14),
    skin: vary(random, SKINS[truth.skin], 4),
    sleeve: vary(random, SLEEVES[truth.sleeve], 6),
    background: vary(random, BACKGROUNDS[truth.background], 6),
    cuffY: random.between(14.4, 16.2),
    lightX: Math.cos(light),
    lightY: Math.sin(light),
    texture: Array.from({ length: 3 }, () => ({
      x: random.between(-0.22, 0.22),
      y: random.between(-0.22, 0.22),
      phase: random.between(0, 2 * Math.PI),
    })),
  };
}
