import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { takeLock } from '@/scripts/lock';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let file: string;
const holders: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'darkroom-lock-'));
  file = join(folder, 'made', 'some.lock');
});
afterEach(async () => {
  await Promise.all(holders.splice(0).map(end));
  rmSync(folder, { recursive: true, force: true });
});

/** Another process that tries to take the lock; resolves to what it says. */
async function tryElsewhere(): Promise<string> {
  const script = join(root, 'tests/scripts/lock-holder.ts');
  const holder = spawn(process.execPath, ['--import', 'tsx', script, file], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  holders.push(holder);
  const [said] = (await once(holder.stdout, 'data')) as [Buffer];
  return said.toString().trim();
}

async function end(holder: ChildProcess): Promise<void> {
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
}

it('of several that try at once, one has the lock, until it is killed', async () => {
  const said = await Promise.all([tryElsewhere(), tryElsewhere(), tryElsewhere()]);
  expect(said.toSorted()).toEqual(['refused', 'refused', 'taken']);
  expect(takeLock(file)).toBeUndefined();
  await Promise.all(holders.splice(0).map(end));
  const unlock = await vi.waitFor(() => takeLock(file) ?? expect.fail('still locked'));
  unlock();
});

it('can be given back', async () => {
  const unlock = takeLock(file);
  expect(await tryElsewhere()).toBe('refused');
  unlock?.();
  expect(await tryElsewhere()).toBe('taken');
});
