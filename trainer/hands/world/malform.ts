/**
 * @file Hands that no count describes: fused fingers, stubs, fingers broken sideways. Generators
 * paint such hands; the judges learn from these to call them what a person would.
 */

import { createRandom, type Random } from '@/trainer/random';
import type { Anatomy, Digit } from './anatomy';
import { type Limb, limb } from './distance';
import { drawScene } from './draw';
import type { Render } from './render';
import { composeScene, type DefectRates, drawTruth } from './scene';

type Malformation = (random: Random, hand: Anatomy) => Digit[];

function withFinger(hand: Anatomy, index: number, limbs: readonly Limb[]): Digit[] {
  return hand.fingers.map((finger, at) => (at === index ? { ...finger, limbs } : finger));
}

function end(bone: Limb): [number, number] {
  return [bone.startX + bone.deltaX, bone.startY + bone.deltaY];
}

/** Off the image: a finger without its tip has no nail. */
const NO_NAIL: Digit['nail'] = { x: 999, y: 999, directionX: 1, directionY: 0, halfWidth: 1 };

/** Two neighbours grow together up to their tips. */
const fuse: Malformation = (random, hand) => {
  const index = random.integer(hand.fingers.length - 1);
  const [left, right] = [hand.fingers[index]!, hand.fingers[index + 1]!];
  const web = [0, 1].map((bone) => {
    const [a, b] = [left.limbs[bone]!, right.limbs[bone]!];
    const [endA, endB] = [end(a), end(b)];
    return limb(
      [(a.startX + b.startX) / 2, (a.startY + b.startY) / 2],
      [(endA[0] + endB[0]) / 2, (endA[1] + endB[1]) / 2],
      (a.startRadius + b.startRadius) / 2,
      Math.hypot(endA[0] - endB[0], endA[1] - endB[1]) / 2,
    );
  });
  return [...hand.fingers, { limbs: web, nail: NO_NAIL }];
};

/** A finger ends early. */
const shorten: Malformation = (random, hand) => {
  const index = random.integer(hand.fingers.length);
  const bone = hand.fingers[index]!.limbs[0]!;
  const share = random.between(0.4, 0.8);
  const stub = limb(
    [bone.startX, bone.startY],
    [bone.startX + bone.deltaX * share, bone.startY + bone.deltaY * share],
    bone.startRadius,
    bone.endRadius * random.between(0.6, 1),
  );
  return hand.fingers.map((finger, at) =>
    at === index ? { limbs: [stub], nail: NO_NAIL } : finger,
  );
};

/** The outer half of a finger points aside, across its neighbour or away. */
const breakSideways: Malformation = (random, hand) => {
  const index = random.integer(hand.fingers.length);
  const [base, tip] = hand.fingers[index]!.limbs as [Limb, Limb];
  const angle = random.between(0.8, 1.5) * (random.chance(0.5) ? 1 : -1);
  const [x, y] = [tip.deltaX, tip.deltaY];
  const turned = limb(
    [tip.startX, tip.startY],
    [
      tip.startX + x * Math.cos(angle) - y * Math.sin(angle),
      tip.startY + x * Math.sin(angle) + y * Math.cos(angle),
    ],
    tip.startRadius,
    tip.endRadius,
  );
  return withFinger(hand, index, [base, turned]).map((finger, at) =>
    at === index ? { ...finger, nail: NO_NAIL } : finger,
  );
};

/** A finger splits in two at its middle joint. */
const fork: Malformation = (random, hand) => {
  const index = random.integer(hand.fingers.length);
  const finger = hand.fingers[index]!;
  const [base, tip] = finger.limbs as [Limb, Limb];
  const angle = random.between(0.6, 0.9) * (random.chance(0.5) ? 1 : -1);
  const [x, y] = [tip.deltaX, tip.deltaY];
  const twig = limb(
    [tip.startX, tip.startY],
    [
      tip.startX + x * Math.cos(angle) - y * Math.sin(angle),
      tip.startY + x * Math.sin(angle) + y * Math.cos(angle),
    ],
    tip.startRadius * 0.9,
    tip.endRadius,
  );
  return withFinger(hand, index, [base, tip, twig]);
};

const MALFORMATIONS: readonly Malformation[] = [fuse, fuse, shorten, shorten, breakSideways, fork];

/** Draws a hand with one malformation. The truth's finger count is that of the hand before it. */
export function renderMalformedHand(seed: number, rates: DefectRates): Render {
  const random = createRandom(seed);
  const truth = drawTruth(random, rates);
  const scene = composeScene(random, truth);
  const fingers = random.pick(MALFORMATIONS)(random, scene.hand);
  return { pixels: drawScene({ ...scene, hand: { ...scene.hand, fingers } }), truth };
}
