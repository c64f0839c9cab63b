/**
 * @file Seeded random numbers. The same seed gives the same stream on every machine:
 * only 32-bit integer arithmetic and correctly rounded operations decide it.
 */

/** A stream of random numbers. Every draw advances the same state. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform integer in [0, count). */
  integer(count: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One element, each equally likely. */
  pick<T>(items: readonly T[]): T;
  /** The elements in a random order (Fisher and Yates). */
  shuffled<T>(items: readonly T[]): T[];
  /** Standard normal (Box-Muller). */
  gaussian(): number;
}

/**
 * splitmix32 (Steele, Lea and Flood 2014, 32-bit finalizer of MurmurHash3): spreads a small seed
 * over a whole state.
 */
function splitmix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x85ebca6b);
    mixed ^= mixed >>> 13;
    mixed = Math.imul(mixed, 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
}

/**
 * A generator for one seed: sfc32 (Doty-Humphrey, PractRand), period at least 2^32.
 * @param seed a non-negative safe integer; its low and high halves both count
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`seed ${seed} is not a non-negative safe integer; use 0 to 2^53 - 1`);
  }
  const low = splitmix32(seed % 0x1_0000_0000);
  const high = splitmix32(Math.floor(seed / 0x1_0000_0000) ^ 0x5bd1e995);
  let a = low() ^ high();
  let b = low() ^ high();
  let c = low() ^ high();
  let counter = 1;
  const bits = (): number => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) bits();

  let spare: number | undefined;
  const next = (): number => bits() / 0x1_0000_0000;
  const integer = (count: number): number => Math.floor(next() * count);
  return {
    next,
    integer,
    between: (lowest, highest) => lowest + (highest - lowest) * next(),
    chance: (probability) => next() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0)
        throw new RangeError('pick from an empty list; give at least one item');
      return items[integer(items.length)]!;
    },
    shuffled<T>(items: readonly T[]) {
      const deck = [...items];
      for (let last = deck.length - 1; last > 0; last--) {
        const other = integer(last + 1);
        [deck[last], deck[other]] = [deck[other]!, deck[last]!];
      }
      return deck;
    },
    gaussian() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
  };
}
