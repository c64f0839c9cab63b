/**
 * @file Whether 21 landmarks are a hand that somebody could have. Their order is MediaPipe's: the
 * wrist, then four for each finger from the thumb on, from the palm outwards.
 */

/** In any unit: [x, y, z]. */
export type Point = readonly [number, number, number];

const fingerNames = ['thumb', 'index finger', 'middle finger', 'ring finger', 'little finger'];

/**
 * Lengths of fingers in mm, mean of 51 adults: Chatzıoglou, Pınar and Govsa, "Biometric analysis
 * hand parameters in young adults" (Anat Cell Biol 57(2), 2024, doi 10.5115/acb.23.310).
 */
const usualMm = [49.5, 63.9, 70.7, 65.5, 53.3];

const middle = 2;

export interface Limits {
  /** How many times as long or as short as usual a finger may be beside the middle one. */
  stretch: number;
  /** Degrees between two bones of a finger. */
  bend: number;
}

/** What no hand has, for people; null where nothing is impossible. @param points 21 of them */
export function impossibleIn(points: readonly Point[], limits: Limits): string | null {
  const fingers = fingerNames.map((name, finger) => {
    const joints = points.slice(1 + 4 * finger, 5 + 4 * finger);
    // Of a thumb's four landmarks the first is its root in the palm.
    const free = finger === 0 ? joints.slice(1) : joints;
    return { name, joints, length: lengthOf(free) };
  });
  const reference = fingers[middle]!.length / usualMm[middle]!;
  for (const [i, { name, joints, length }] of fingers.entries()) {
    const stretch = length / (usualMm[i]! * reference);
    if (!(stretch <= limits.stretch && stretch >= 1 / limits.stretch)) {
      return stretch > 1 ? `the ${name} is too long` : `the ${name} is too short`;
    }
    const sharpest = Math.max(...bendsOf(joints));
    if (sharpest > limits.bend) return `the ${name} bends too far`;
  }
  return null;
}

function difference(a: Point, b: Point): Point {
  return [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
}

function bonesOf(joints: readonly Point[]): Point[] {
  return joints.slice(1).map((joint, i) => difference(joints[i]!, joint));
}

function lengthOf(joints: readonly Point[]): number {
  return bonesOf(joints).reduce((sum, bone) => sum + Math.hypot(...bone), 0);
}

/** Degrees by which each bone departs from the one before. */
function bendsOf(joints: readonly Point[]): number[] {
  const bones = bonesOf(joints);
  return bones.slice(1).map((bone, i) => {
    const before = bones[i]!;
    const dot = bone[0] * before[0] + bone[1] * before[1] + bone[2] * before[2];
    const cosine = dot / (Math.hypot(...bone) * Math.hypot(...before) || 1);
    return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
  });
}
