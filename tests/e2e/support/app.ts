import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, test as base, type Page } from 'playwright/test';
import { closeDatabases, darkroomHome, db } from '@/db/client';
import type { Role } from '@/lib/roles';
import { invite, seedEmpty } from './seed';

/** A running Darkroom without trainer. `signIn` opens a page of its own for a new person. */
export type App = {
  url: string;
  /** The process of the web server. */
  pid: () => number;
  /** Ends the web server and starts it again on the same port and data. */
  restart: () => Promise<void>;
  signIn: (browser: Browser, role: Role, options?: SignInOptions) => Promise<Page>;
};

type SignInOptions = {
  name?: string;
  /** Leaves the guidelines unaccepted. */
  withoutConsent?: boolean;
  context?: Parameters<Browser['newContext']>[0];
};

/**
 * Tests with an `app`: an empty Darkroom. Its server is started once for all tests of a process,
 * warm after the first, and finds another content each time.
 */
export const test = base.extend<{ app: App }, { shared: App }>({
  shared: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from this pattern
    ({}, use) => withApp(use),
    { scope: 'worker' },
  ],
  app: async ({ shared }, use) => {
    emptyHome();
    await seedEmpty();
    await use(shared);
  },
});

/** The same with a server and a data folder of its own: for what sets them up otherwise. */
export const testAlone = base.extend<{ app: App }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from this pattern
  app: ({}, use) => withApp(use),
});

/** Runs `use` against a production server on a fresh data folder; both are gone afterwards. */
export async function withApp(use: (app: App) => Promise<void>): Promise<void> {
  const outer = process.env.DARKROOM_HOME;
  const home = mkdtempSync(join(tmpdir(), 'darkroom-e2e-'));
  process.env.DARKROOM_HOME = home;
  await seedEmpty();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let server = await startServer(port, url, home);
  try {
    await use({
      url,
      pid: () => server.pid ?? 0,
      restart: async () => {
        await stopServer(server);
        server = await startServer(port, url, home);
      },
      signIn: (browser, role, options) => signIn(browser, url, role, options),
    });
  } finally {
    await stopServer(server);
    closeDatabases();
    rmSync(home, { recursive: true, force: true });
    if (outer === undefined) delete process.env.DARKROOM_HOME;
    else process.env.DARKROOM_HOME = outer;
  }
}

/** Takes everything out of the data folder but what a server that is up has read: its secret. */
function emptyHome(): void {
  const sqlite = db().$client;
  const named = (type: string) =>
    sqlite.prepare('select name, sql from sqlite_master where type = ?').all(type) as {
      name: string;
      sql: string;
    }[];
  const kept = /^(settings$|sqlite_|__drizzle_)/;
  const waitMs = sqlite.pragma('busy_timeout', { simple: true });
  // The server that is up may just be writing.
  sqlite.pragma('busy_timeout = 20000');
  sqlite.pragma('foreign_keys = OFF');
  const empty = sqlite.transaction(() => {
    // Figures are kept by triggers, which would count what goes.
    const triggers = named('trigger');
    for (const { name } of triggers) sqlite.exec(`drop trigger "${name}"`);
    for (const { name } of named('table')) {
      if (!kept.test(name)) sqlite.exec(`delete from "${name}"`);
    }
    for (const { sql } of triggers) sqlite.exec(sql);
  });
  empty.immediate();
  sqlite.pragma('foreign_keys = ON');
  sqlite.pragma(`busy_timeout = ${waitMs}`);
  rmSync(join(darkroomHome(), 'blobs'), { recursive: true, force: true });
}

async function signIn(
  browser: Browser,
  url: string,
  role: Role,
  options: SignInOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ baseURL: url, ...options.context });
  const token = (await invite(role)).replace('/join/', '');
  const joined = await context.request.post('/api/join', {
    data: {
      token,
      name: options.name ?? role,
      acceptedGuidelines: options.withoutConsent ? undefined : 1,
    },
  });
  if (!joined.ok()) throw new Error(`joining failed: ${joined.status()} ${await joined.text()}`);
  return context.newPage();
}

async function startServer(port: number, url: string, home: string): Promise<ChildProcess> {
  const server = spawn(process.execPath, [resolve('app/serve.mjs'), '--port', String(port)], {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      DARKROOM_HOME: home,
      DARKROOM_URL: url,
      DARKROOM_LOG: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  while (server.exitCode === null) {
    const healthy = await fetch(`${url}/api/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return server;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  throw new Error(`the web server ended with exit code ${server.exitCode} before it answered`);
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((resume) => server.once('exit', resume));
  server.kill('SIGKILL');
  await ended;
}

function freePort(): Promise<number> {
  return new Promise((resume, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => resume(port));
    });
  });
}
