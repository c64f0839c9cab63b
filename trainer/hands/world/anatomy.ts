/**
 * @file The skeleton of one hand, in its own frame: origin in the palm, x to the right, y down, the
 * thumb on the left, one unit about one pixel of the 64x64 image. Extra or missing fingers share
 * the width of the palm.
 */

import type { Random } from '@/trainer/random';
import type { FingerCount } from './attributes';
import { type Limb, limb, type RoundedPolygon } from './distance';

/** A finger or thumb: limbs from the palm to the tip, the last one carrying the nail. */
export interface Digit {
  limbs: readonly Limb[];
  nail: { x: number; y: number; directionX: number; directionY: number; halfWidth: number };
}

export interface Anatomy {
  fingers: readonly Digit[];
  thumb: Digit;
  palm: RoundedPolygon;
  wrist: Limb;
  /** Half the width of the knuckle line. */
  halfWidth: number;
}

/**
 * Knuckle line, fan and thickness that keep every count of fingers (without thumb) apart at 64
 * pixels.
 */
const BUILDS: Record<number, { halfWidth: number; fanDegrees: number; radius: number }> = {
  2: { halfWidth: 6.4, fanDegrees: 17, radius: 3.45 },
  3: { halfWidth: 7.8, fanDegrees: 20, radius: 3.3 },
  4: { halfWidth: 9.2, fanDegrees: 22, radius: 3.05 },
  5: { halfWidth: 10.4, fanDegrees: 28, radius: 2.7 },
  6: { halfWidth: 11.4, fanDegrees: 33, radius: 2.4 },
};

/**
 * Finger length relative to the middle finger at the positions -1 (index side), -1/3, 1/3, 1
 * (little finger).
 */
const LENGTH_PROFILE = [0.9, 1, 0.94, 0.76] as const;
const MIDDLE_LENGTH = 20.5;
const RADIANS = Math.PI / 180;

function lengthAt(position: number): number {
  const place = ((position + 1) / 2) * (LENGTH_PROFILE.length - 1);
  const left = Math.min(Math.floor(place), LENGTH_PROFILE.length - 2);
  const [from, to] = [LENGTH_PROFILE[left]! as number, LENGTH_PROFILE[left + 1]! as number];
  return MIDDLE_LENGTH * (from + (to - from) * (place - left));
}

function nailOn(tip: Limb): Digit['nail'] {
  const length = Math.hypot(tip.deltaX, tip.deltaY);
  const directionX = tip.deltaX / length;
  const directionY = tip.deltaY / length;
  return {
    x: tip.startX + tip.deltaX + directionX * tip.endRadius * 0.1,
    y: tip.startY + tip.deltaY + directionY * tip.endRadius * 0.1,
    directionX,
    directionY,
    halfWidth: tip.endRadius * 0.62,
  };
}

function growFinger(
  random: Random,
  position: number,
  build: { halfWidth: number; fanDegrees: number; radius: number },
): Digit {
  const baseX = position * build.halfWidth;
  const baseY = -4.6 + 2 * position * position + 0.9 * position;
  const angle = (position * build.fanDegrees + random.between(-2.2, 2.2)) * RADIANS;
  const length = lengthAt(position) * random.between(0.94, 1.05);
  // Relaxed fingers curve a little toward the middle of the hand.
  const bend = (-position * 5 + random.between(-5, 5)) * RADIANS;
  const half = length * 0.52;
  const middleX = baseX + Math.sin(angle) * half;
  const middleY = baseY - Math.cos(angle) * half;
  const tipX = middleX + Math.sin(angle + bend) * (length - half);
  const tipY = middleY - Math.cos(angle + bend) * (length - half);
  const radius = build.radius * random.between(0.96, 1.04);
  const tip = limb([middleX, middleY], [tipX, tipY], radius * 0.93, radius * 0.8);
  return {
    limbs: [limb([baseX, baseY], [middleX, middleY], radius, radius * 0.93), tip],
    nail: nailOn(tip),
  };
}

function growThumb(random: Random, halfWidth: number): Digit {
  const shift = halfWidth - 9.2;
  const jointX = -12 - shift * 0.6;
  const jointY = 4.2 + Math.max(shift, 0) * 0.6;
  const angle = (-46 - Math.max(shift, 0) * 5 + random.between(-6, 6)) * RADIANS;
  const length = random.between(10.5, 12);
  const tip = limb(
    [jointX, jointY],
    [jointX + Math.sin(angle) * length, jointY - Math.cos(angle) * length],
    3.7,
    2.75,
  );
  return { limbs: [limb([-2.5, 10.5], [jointX, jointY], 5.4, 3.7), tip], nail: nailOn(tip) };
}

/** Grows a hand with `fingers` digits, the thumb counted. */
export function growHand(random: Random, fingers: FingerCount): Anatomy {
  const count = fingers - 1;
  const build = BUILDS[count];
  if (!build) throw new RangeError(`no hand with ${fingers} fingers; choose 3 to 7`);
  const { halfWidth } = build;
  return {
    fingers: Array.from({ length: count }, (_, index) =>
      growFinger(random, (2 * index) / (count - 1) - 1, build),
    ),
    thumb: growThumb(random, halfWidth),
    palm: {
      corners: [
        [-halfWidth + 1.2, -1.5],
        [0, -3.2],
        [halfWidth - 1.2, -0.6],
        [5.4, 12.5],
        [-5.2, 12.5],
      ],
      rounding: 3.4,
    },
    wrist: limb([0, 10], [0, 30], 6.9, 6.6),
    halfWidth,
  };
}
