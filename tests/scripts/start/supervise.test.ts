import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Supervised, supervise } from '@/scripts/start/supervise';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder: string;
let supervised: Supervised | undefined;

/** Writes its pid and its own child's pid to `pids`, then stays. */
const parentOfOne = `
  const { spawn } = require('node:child_process');
  const { writeFileSync } = require('node:fs');
  const inner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  writeFileSync(process.argv[2], process.pid + ' ' + inner.pid);
  setInterval(() => {}, 1000);
`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie still answers the signal; here nobody may be left to reap it.
    return (
      process.platform !== 'linux' || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
    );
  } catch {
    return false;
  }
}

function writeScript(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

async function pidsIn(file: string): Promise<number[]> {
  await vi.waitFor(() => expect(existsSync(file)).toBe(true), 20_000);
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toMatch(/^\d+ \d+$/), 5_000);
  return readFileSync(file, 'utf8').split(' ').map(Number);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'darkroom-supervise-'));
});

afterEach(async () => {
  await supervised?.stop();
  supervised = undefined;
  rmSync(folder, { recursive: true, force: true });
});

describe('supervise', () => {
  it('restarts a process that dies, says how it died and keeps what it said', async () => {
    const deaths: string[] = [];
    supervised = supervise({
      name: 'frail',
      nodeArguments: [writeScript('frail.cjs', "console.log('so tired'); process.exit(7);")],
      environment: {},
      logFolder: folder,
      onDeath: (how) => deaths.push(how),
      onLogDropped: (why) => expect.fail(why),
    });
    await vi.waitFor(() => expect(deaths).toEqual(['exit code 7', 'exit code 7']), 30_000);
    expect(supervised.tail()).toContain('so tired');
    expect(readFileSync(join(folder, 'frail.log'), 'utf8')).toContain('so tired');
  });

  it.runIf(process.platform === 'linux')(
    'goes on without a log that cannot be written',
    async () => {
      const dropped: string[] = [];
      const log = join(folder, 'full.log');
      symlinkSync('/dev/full', log);
      supervised = supervise({
        name: 'full',
        nodeArguments: [writeScript('talks.cjs', "setInterval(() => console.log('word'), 20)")],
        environment: {},
        logFolder: folder,
        onDeath: (how) => expect.fail(`died on its own: ${how}`),
        onLogDropped: (why) => dropped.push(why),
      });
      await vi.waitFor(() => expect(supervised?.tail().length).toBeGreaterThan(3), 20_000);
      expect(dropped).toEqual([expect.stringContaining('ENOSPC')]);
      expect(supervised.deaths()).toBe(0);
      rmSync(log);
      await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('word'), 20_000);
      expect(dropped).toHaveLength(1);
    },
  );

  it('stops the process and the children of that process', async () => {
    const pidFile = join(folder, 'pids');
    supervised = supervise({
      name: 'parent',
      nodeArguments: [writeScript('parent.cjs', parentOfOne), pidFile],
      environment: {},
      logFolder: folder,
      onDeath: (how) => expect.fail(`died on its own: ${how}`),
      onLogDropped: (why) => expect.fail(why),
    });
    const pids = await pidsIn(pidFile);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await supervised.stop();
    await vi.waitFor(() => expect(pids.map(isAlive)).toEqual([false, false]), 5_000);
  });

  it('leaves nothing running when the supervising process itself is killed', async () => {
    const pidFile = join(folder, 'pids');
    const child = writeScript('child.cjs', parentOfOne);
    const supervisor = join(root, 'tests/scripts/start/supervise-one.ts');
    const starter = spawn(
      process.execPath,
      ['--import', 'tsx', supervisor, folder, child, pidFile],
      {
        cwd: root,
        stdio: 'ignore',
      },
    );
    const pids = await pidsIn(pidFile);
    starter.kill('SIGKILL');
    await vi.waitFor(() => expect(pids.map(isAlive)).toEqual([false, false]), 20_000);
  });

  it('ends a process whose starter died before that process had begun', async () => {
    const leash = join(root, 'scripts/start/leash.mjs');
    const child = writeScript('stays.cjs', 'setInterval(() => {}, 1000)');
    const starter = writeScript(
      'dies.cjs',
      `const { spawn } = require('node:child_process');
       const { writeSync } = require('node:fs');
       const stdio = ['ignore', 'ignore', 'ignore', 'ipc'];
       const args = ['--import', ${JSON.stringify(leash)}, ${JSON.stringify(child)}];
       writeSync(1, String(spawn(process.execPath, args, { stdio, detached: true }).pid));
       process.kill(process.pid, 'SIGKILL');`,
    );
    const { stdout } = spawnSync(process.execPath, [starter], { encoding: 'utf8' });
    await vi.waitFor(() => expect(isAlive(Number(stdout))).toBe(false), 20_000);
  });
});
