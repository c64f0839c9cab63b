/** @file Chance that follows from what it decides, so that work done again decides alike. */
import { createHash } from 'node:crypto';
import { createRandom, type Random } from '@/trainer/random';

/**
 * What a random decision is about: the run's seed first, then what tells it from other decisions.
 */
export type Label = readonly (string | number)[];

/**
 * Seeds of training images lie above this, those of evaluation images below: the two never meet.
 */
const trainingSeedMin = 2 ** 32;

function hashed(label: Label): number {
  return createHash('sha256').update(JSON.stringify(label)).digest().readUIntBE(0, 6);
}

/** The seed of a training image, in [2³², 2³² + 2⁴⁸). */
export function trainingSeed(...label: Label): number {
  return trainingSeedMin + hashed(label);
}

/** Numbers that the label determines. */
export function randomOf(...label: Label): Random {
  return createRandom(hashed(label));
}

/** The items in an order that the label determines (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], ...label: Label): T[] {
  return randomOf(...label).shuffled(items);
}

/**
 * Items `first` to `first + count` of an endless deal: one shuffle of all of them after another, so
 * that each comes up as often as any other.
 */
export function dealt<T>(items: readonly T[], first: number, count: number, ...label: Label): T[] {
  const decks = new Map<number, T[]>();
  return Array.from({ length: count }, (_, i) => {
    const place = first + i;
    const turn = Math.floor(place / items.length);
    const deck = decks.get(turn) ?? shuffled(items, ...label, turn);
    decks.set(turn, deck);
    return deck[place % items.length]!;
  });
}
