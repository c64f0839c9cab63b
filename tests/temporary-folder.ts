/**
 * @file What tests write to the temporary folder goes with them: they get a folder of their own in
 * it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: string;

/** Before the first test's process starts, which inherits the environment. */
export function setup(): void {
  folder = mkdtempSync(join(tmpdir(), 'darkroom-tests-'));
  process.env.TMPDIR = folder;
}

export function teardown(): void {
  rmSync(folder, { recursive: true, force: true });
}
