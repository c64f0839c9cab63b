import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';

let home: string;
let starter: ChildProcess | undefined;
let output = '';

test.beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'darkroom-start-'));
});

test.afterEach(async () => {
  if (starter?.exitCode === null && starter.signalCode === null) await end('SIGKILL');
  await expect.poll(runningOnHome).toEqual([]);
  rmSync(home, { recursive: true, force: true });
});

/** Starts everything as a person does, and waits for the address or link that it prints. */
async function start(): Promise<string> {
  output = '';
  starter = spawn(process.execPath, ['scripts/start.mjs'], {
    env: { ...process.env, DARKROOM_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  starter.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  starter.stderr?.on('data', (chunk) => {
    output += chunk;
  });
  await expect.poll(() => output, { timeout: 100_000 }).toContain('ready in');
  return output.match(/http:\/\/\S+/)?.[0] ?? '';
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => starter?.once('exit', resolve));
  starter?.kill(signal);
  return ended;
}

/** Processes that were given this test's data folder; empty where the system does not tell. */
function runningOnHome(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`DARKROOM_HOME=${home}\0`);
    } catch {
      return false;
    }
  });
}

test('the printed link signs in the first admin; Ctrl-C leaves nothing running; the next start goes on', async ({
  page,
}) => {
  const link = await start();
  expect(link).toContain('/join/');
  expect(runningOnHome().length).toBeGreaterThan(1);

  await page.goto(link);
  await page.getByRole('button', { name: 'Start labeling' }).click();
  await page.waitForURL((url) => !url.pathname.startsWith('/join'));

  expect(await end('SIGINT')).toBe(0);
  expect(output).toContain('nothing is left running');
  await expect.poll(runningOnHome).toEqual([]);

  const address = await start();
  expect(address).not.toContain('/join/');
  const health = await fetch(`${address}/api/health`);
  expect(health.status).toBe(200);
});

test('whatever kills the starter, web app and trainer end with it', async () => {
  await start();
  await end('SIGKILL');
  await expect.poll(runningOnHome).toEqual([]);
});

test('a second start on the same data says where the first one is', async () => {
  const address = new URL(await start()).origin;
  const second = spawn(process.execPath, ['scripts/start.mjs'], {
    env: { ...process.env, DARKROOM_HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  second.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  expect(await new Promise((resolve) => second.once('close', resolve))).toBe(1);
  expect(complaint).toContain(address);
});
