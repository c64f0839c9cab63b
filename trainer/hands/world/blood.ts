/** @file Blood: a few wet stains on palm and fingers, some running down. */

import type { Random } from '@/trainer/random';
import type { Anatomy } from './anatomy';
import { type Limb, limb, limbDistance, softUnion } from './distance';

/** Stains in the hand's frame. */
export type Stains = readonly Limb[];

/** A stain that hardly moves is a blob; one with a run is a drip, thinner at its end. */
function stain(x: number, y: number, radius: number, run: number): Limb {
  return limb([x, y], [x + run * 0.12, y + run], radius, Math.max(1, radius - run * 0.22));
}

/** Splashes a hand: one large stain in the palm, one or two on fingers, drips and drops. */
export function splash(random: Random, hand: Anatomy): Stains {
  const stains: Limb[] = [
    stain(
      random.between(-5, 5),
      random.between(-1, 8),
      random.between(3.6, 5),
      random.between(2, 6),
    ),
  ];
  const blobs = 1 + random.integer(3);
  for (let blob = 0; blob < blobs; blob++) {
    stains.push(
      stain(
        random.between(-8, 8),
        random.between(-4, 11),
        random.between(1.9, 3.2),
        random.between(0.5, 5),
      ),
    );
  }
  const onFingers = 1 + random.integer(2);
  for (let index = 0; index < onFingers; index++) {
    const bone = random.pick(hand.fingers).limbs[0]!;
    const along = random.between(0.2, 1);
    stains.push(
      stain(
        bone.startX + bone.deltaX * along,
        bone.startY + bone.deltaY * along,
        random.between(2, 3),
        random.between(0.5, 4),
      ),
    );
  }
  return stains;
}

/** Signed distance to the stains; neighbours run together. */
export function stainDistance(stains: Stains, x: number, y: number): number {
  let distance = Number.POSITIVE_INFINITY;
  for (const shape of stains) {
    const next = limbDistance(shape, x, y);
    distance = distance === Number.POSITIVE_INFINITY ? next : softUnion(distance, next, 1.5);
  }
  return distance;
}
