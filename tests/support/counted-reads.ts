/**
 * Counts what this process reads of files, whoever reads it: the real functions run, and are noted.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll } from 'vitest';

export interface CountedReads {
  /** How often a file was read whole or opened, by path. */
  of(path: string): number;
  /** All reads under a folder. */
  under(folder: string): number;
  /** Counts from nothing again. */
  forget(): void;
}

/** Counts reads through the tests of a file. */
export function countReads(): CountedReads {
  const counts = new Map<string, number>();
  const note = (path: unknown) => {
    if (typeof path === 'string') counts.set(path, (counts.get(path) ?? 0) + 1);
  };
  const noted =
    <Args extends unknown[], Result>(read: (...args: Args) => Result) =>
    (...args: Args): Result => {
      note(args[0]);
      return read(...args);
    };
  const { readFile, open } = promises;
  const { readFileSync, createReadStream } = fs;
  Object.assign(promises, { readFile: noted(readFile), open: noted(open) });
  Object.assign(fs, {
    readFileSync: noted(readFileSync),
    createReadStream: noted(createReadStream),
  });
  syncBuiltinESMExports();
  afterAll(() => {
    Object.assign(promises, { readFile, open });
    Object.assign(fs, { readFileSync, createReadStream });
    syncBuiltinESMExports();
  });
  return {
    of: (path) => counts.get(path) ?? 0,
    under: (folder) =>
      [...counts].reduce((sum, [path, n]) => (path.startsWith(`${folder}/`) ? sum + n : sum), 0),
    forget: () => counts.clear(),
  };
}
