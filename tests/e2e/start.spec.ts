import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'playwright/test';

/** A command on this test's data folder. */
type Launched = { child: ChildProcess; said: () => string; ended: Promise<number | null> };

const script = ['scripts/start.mjs'];
const buildServers = ['CI', 'TF_BUILD', 'GITHUB_ACTIONS', 'GITLAB_CI', 'JENKINS_URL'];
let home: string;
let starter: Launched | undefined;

test.beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'darkroom-start-'));
});

test.afterEach(async () => {
  if (starter?.child.exitCode === null && starter.child.signalCode === null) await end('SIGKILL');
  await expect.poll(runningOnHome).toEqual([]);
  rmSync(home, { recursive: true, force: true });
});

function launch(args: string[], environment: Record<string, string | undefined> = {}): Launched {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, DARKROOM_HOME: home, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const ended = new Promise<number | null>((resume) => child.once('close', resume));
  return { child, said: () => output, ended };
}

/** Waits for the address or link that a start prints. */
async function untilReady(started: Launched): Promise<string> {
  starter = started;
  await expect.poll(started.said, { timeout: 100_000 }).toContain('ready in');
  return started.said().match(/https?:\/\/\S+/)?.[0] ?? '';
}

/** Starts everything as a person does. */
function start(environment?: Record<string, string | undefined>): Promise<string> {
  return untilReady(launch(script, environment));
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  starter?.child.kill(signal);
  return starter?.ended ?? null;
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
  expect(starter?.said()).toContain('nothing is left running');
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

test('behind a proxy the public address is printed and the local one is used', async () => {
  const publicUrl = 'https://darkroom.invalid';
  const proxied = { DARKROOM_URL: publicUrl, HOST: 'laptop.invalid' };
  expect(await start(proxied)).toMatch(/^https:\/\/darkroom\.invalid\/join\/./);

  const second = launch(script, proxied);
  expect(await second.ended).toBe(1);
  expect(second.said()).toContain(`already runs on ${home}, at ${publicUrl}`);

  const signIn = launch(['--import', 'tsx', 'scripts/sign-in.ts'], proxied);
  expect(await signIn.ended).toBe(0);
  expect(signIn.said()).toContain(`${publicUrl}/join/`);
});

test('of two starts at once one runs, and its link stays good', async ({ page }) => {
  const both = [launch(script), launch(script)];
  const refused = await Promise.race(both.map((one) => one.ended.then(() => one)));
  expect(refused.child.exitCode).toBe(1);
  expect(refused.said()).toContain(`already runs on ${home}`);
  await page.goto(await untilReady(both.find((one) => one !== refused)!));
  await expect(page.getByRole('button', { name: 'Start labeling' })).toBeVisible();
});

test('a variable that cannot be right is named, and nothing is started', async () => {
  const started = launch(script, { DARKROOM_PORT: 'eighty' });
  expect(await started.ended).toBe(1);
  expect(started.said()).toContain('DARKROOM_PORT is "eighty"');
  expect(readdirSync(home)).toEqual([]);
});

test('nothing calls out, and nothing is left in the folders of the person who starts it', async () => {
  const person = mkdtempSync(join(tmpdir(), 'darkroom-person-'));
  const calls = join(home, 'calls');
  const proxy = await countingProxy();
  // ONNX Runtime's own client, which Node cannot watch, goes by a proxy where one is named.
  const proxied = { https_proxy: proxy.url, http_proxy: proxy.url, all_proxy: proxy.url };
  await start({
    ...proxied,
    DARKROOM_CALLS: calls,
    NODE_OPTIONS: `--import=${pathToFileURL(resolve('tests/e2e/support/record-calls.mjs'))}`,
    HOME: person,
    XDG_CACHE_HOME: person,
    // On a build server ONNX Runtime keeps still by itself.
    ...Object.fromEntries(buildServers.map((name) => [name, undefined])),
  });
  // Until an image is there, so that an engine has been at work.
  const blobs = () => (existsSync(join(home, 'blobs')) ? readdirSync(join(home, 'blobs')) : []);
  await expect.poll(() => blobs().length, { timeout: 100_000 }).toBeGreaterThan(0);
  await end('SIGINT');
  proxy.server.close();
  expect(existsSync(calls) ? readFileSync(calls, 'utf8') : '').toBe('');
  expect(proxy.callers()).toBe(0);
  expect(readdirSync(person)).toEqual([]);
  rmSync(person, { recursive: true });
});

/** Hangs up on everybody, and counts them. */
async function countingProxy(): Promise<{ server: Server; url: string; callers: () => number }> {
  let callers = 0;
  const server = createServer((socket) => {
    callers += 1;
    socket.destroy();
  });
  await new Promise<void>((resume) => server.listen(0, '127.0.0.1', resume));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the proxy listens nowhere');
  return { server, url: `http://127.0.0.1:${address.port}`, callers: () => callers };
}
