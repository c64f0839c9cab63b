/**
 * @file Numbers drawn the same way every time, quickly: a grown database needs millions of them.
 */

export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** A whole number below `n`. */
  below(n: number): number;
  pick<T>(items: readonly T[]): T;
  /** As random as a UUID, as long, and spread alike over an index. */
  id(): string;
  /** 64 hexadecimal digits, as a SHA-256. */
  hash(): string;
}

/** Marsaglia's xorshift with 32 bits (Journal of Statistical Software 8.14, 2003). */
export function chanceOf(seed: number): Chance {
  let state = (seed ^ 0x9e3779b9) | 1;
  const word = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const hex = () => word().toString(16).padStart(8, '0');
  const next = () => word() / 2 ** 32;
  const below = (n: number) => Math.floor(next() * n);
  return {
    next,
    below,
    pick: (items) => items[below(items.length)]!,
    id: () => {
      const middle = hex() + hex();
      const [a, b, c, d] = [0, 4, 8, 12].map((at) => middle.slice(at, at + 4));
      return `${hex()}-${a}-${b}-${c}-${d}${hex()}`;
    },
    hash: () => Array.from({ length: 8 }, hex).join(''),
  };
}
