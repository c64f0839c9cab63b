/**
 * @file Long reading and writing, a portion at a time: neither the write lock nor a process's other
 * work waits for all of it.
 */

/** Rows of one statement. SQLite binds at most 32,766 values, and a sample's row binds 15. */
export const rowsPerStatement = 500;

/** A list in portions of some length; the last may be shorter. */
export function* portions<T>(rows: readonly T[], length = rowsPerStatement): Generator<T[]> {
  for (let i = 0; i < rows.length; i += length) yield rows.slice(i, i + length);
}

/** Lets whatever else this process has to do come in between. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
