import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { expect, request as requests } from 'playwright/test';
import { bodyBytesMax } from '../../app/http/body-limit.mjs';
import { type App, test, withApp } from './support/app';

const MB = 1_000_000;

type Sent = { status?: number; text: string };

/**
 * POSTs zeros as fast as they are taken, saying how many (`length`) or only sending them; reads the
 * answer when it comes.
 */
function post(url: string, { megabytes, length }: { megabytes: number; length?: number }) {
  return new Promise<Sent>((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      ...(length === undefined ? {} : { 'content-length': String(length) }),
    };
    const request = httpRequest(url, { method: 'POST', headers });
    request.once('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, text });
      request.destroy();
    });
    request.once('error', reject);
    void (async () => {
      for (let sent = 0; sent < megabytes && !request.destroyed; sent++) {
        if (!request.write(Buffer.alloc(MB))) {
          await new Promise((go) => request.once('drain', go).once('close', go));
        }
      }
      request.end();
    })();
  });
}

/** The most memory that a process has had so far, in MB; only Linux tells. */
function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(status.match(/VmHWM:\s+(\d+) kB/)?.[1]) / 1000;
}

const routes = ['/api/sign-in', '/api/join', '/api/label/preference', '/api/account', '/api/nope'];

test('bodies of 100 MB, said and unsaid, are a 413 and never lie in memory', async ({ app }) => {
  const url = `${app.url}/api/sign-in`;
  // A process that has had no other peak yet.
  await app.restart();
  await post(url, { megabytes: 1 });
  const before = process.platform === 'linux' ? peakMemory(app.pid()) : 0;
  const five = (length?: number) =>
    Promise.all(Array.from({ length: 5 }, () => post(url, { megabytes: 100, length })));
  for (const answers of [await five(100 * MB), await five()]) {
    expect(answers.map(({ status }) => status)).toEqual([413, 413, 413, 413, 413]);
    expect(JSON.parse(answers[0]?.text ?? '').error).toMatchObject({
      code: 'too-large',
      message: expect.stringContaining(String(bodyBytesMax)),
    });
  }
  expect((await post(url, { megabytes: 600, length: 600 * MB })).status).toBe(413);
  if (process.platform === 'linux') expect(peakMemory(app.pid()) - before).toBeLessThan(100);
});

test('no route asks who is there before it refuses a body that is too long', async ({ app }) => {
  for (const route of routes) {
    const { status } = await post(`${app.url}${route}`, { megabytes: 1, length: 600 * MB });
    expect(status, route).toBe(413);
  }
});

test('methods that nobody uses are a 405, on pages and routes', async ({ app }) => {
  for (const path of ['/', '/sign-in', '/api/health', '/api/nope', '/_next/static/x']) {
    for (const method of ['TRACE', 'PUT', 'PROPFIND']) {
      const status = await new Promise((resolve, reject) => {
        const request = httpRequest(`${app.url}${path}`, { method });
        request.once('response', (response) => resolve(response.resume().statusCode));
        request.once('error', reject).end();
      });
      expect(status, `${method} ${path}`).toBe(405);
    }
  }
});

test('every page carries its policy, fetched ahead or not', async ({ app }) => {
  const ahead: Record<string, string>[] = [
    {},
    { 'next-router-prefetch': '1' },
    { purpose: 'prefetch' },
    { 'sec-purpose': 'prefetch' },
  ];
  for (const path of ['/sign-in', '/', '/nope', '/join/x']) {
    for (const headers of ahead) {
      const response = await fetch(`${app.url}${path}`, { headers, redirect: 'manual' });
      const policy = response.headers.get('content-security-policy');
      expect(policy, `${path} ${JSON.stringify(headers)}`).toContain("default-src 'self'");
    }
  }
});

test('no answer tells where Darkroom lies on the machine', async ({ app, browser }) => {
  const page = await app.signIn(browser, 'admin');
  const hash = '0'.repeat(64);
  const paths = [
    ...['/nope', '/%ff', '/rounds/nope', '/policies/nope', '/join/nope', '/..%2fpackage.json'],
    ...['/api/nope', '/api/rounds/nope', '/api/policies/nope/adapter', `/api/images/${hash}`],
    ...['/_next/static/nope.js', '/_next/image?url=%2Fnope.png&w=64&q=75', '/api/rounds/%00'],
  ];
  for (const path of paths) {
    for (const client of [page.context().request, await requests.newContext()]) {
      const text = await (await client.get(`${app.url}${path}`)).text();
      expect(text, path).not.toContain(process.cwd());
      expect(text, path).not.toContain(process.env.DARKROOM_HOME ?? '');
    }
  }
});

test('two homes on one host keep their people signed in side by side', async ({ app, browser }) => {
  const page = await app.signIn(browser, 'annotator', { name: 'Ada' });
  await page.goto('/account');
  await expect(page.getByLabel('Your name')).toHaveValue('Ada');
  await withApp(async (second: App) => {
    const [own] = await page.context().cookies();
    const other = await second.signIn(browser, 'annotator', { name: 'Eve' });
    if (own) await other.context().addCookies([own]);
    await other.goto('/account');
    await expect(other.getByLabel('Your name')).toHaveValue('Eve');
    await other.goto(`${app.url}/account`);
    await expect(other.getByLabel('Your name')).toHaveValue('Ada');
  });
});
