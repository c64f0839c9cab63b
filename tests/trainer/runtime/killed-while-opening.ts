/**
 * @file Engines that die while they are being opened: their processes are real, and really killed.
 */
import type { spawn } from 'node:child_process';

type Spawn = typeof spawn;

let deaths = 0;

/** The next so many processes that this one starts are killed at once. */
export function killNext(count: number): void {
  deaths = count;
}

/** How many of them are still to come. */
export const stillToDie = () => deaths;

/** For vi.mock: Node's child processes, with a `spawn` that kills as it was told. */
export async function deadlySpawn(original: () => Promise<typeof import('node:child_process')>) {
  const actual = await original();
  const spawnAndKill = ((...given: Parameters<Spawn>) => {
    const child = actual.spawn(...given);
    if (deaths > 0) {
      deaths -= 1;
      child.kill('SIGKILL');
    }
    return child;
  }) as Spawn;
  return { ...actual, spawn: spawnAndKill };
}
