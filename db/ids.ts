import { createHash, randomUUID } from 'node:crypto';

export function newId(): string {
  return randomUUID();
}

/**
 * An id that follows from what it names, so that work done twice writes the same rows. It is
 * hashed, because ids reach annotators' browsers and must not tell policy, seed or order.
 */
export function derivedId(...parts: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-');
}

/** The same as a whole number below 2^52, which JSON and every reader of int64 keep exactly. */
export function derivedNumber(...parts: readonly (string | number)[]): number {
  return Number.parseInt(
    derivedId(...parts)
      .replaceAll('-', '')
      .slice(0, 13),
    16,
  );
}
