import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Page } from 'playwright/test';
import { type Action, can } from '@/lib/permissions';
import { type Role, roles } from '@/lib/roles';
import { test } from './support/app';

/** What each route needs, written down once more: a route that lets in others fails here. */
const routes: Record<string, Action | 'anybody'> = {
  'PATCH /api/account': 'images.read',
  'POST /api/account/login': 'images.read',
  'GET /api/events': 'events.read',
  'GET /api/health': 'anybody',
  'GET /api/images/[hash]': 'images.read',
  'POST /api/join': 'anybody',
  'POST /api/label/consent': 'label',
  'POST /api/label/flag': 'label',
  'GET /api/label/next': 'label',
  'POST /api/label/preference': 'label',
  'POST /api/label/release': 'label',
  'POST /api/label/renew': 'label',
  'POST /api/label/skip': 'label',
  'POST /api/label/tagging': 'label',
  'POST /api/label/undo': 'label',
  'PATCH /api/people/[id]': 'people.manage',
  'POST /api/people/[id]/link': 'people.manage',
  'POST /api/people/invitations': 'people.manage',
  'DELETE /api/people/invitations/[id]': 'people.manage',
  'GET /api/policies': 'policies.read',
  'GET /api/policies/[id]': 'policies.read',
  'GET /api/policies/[id]/adapter': 'policies.download',
  'GET /api/policies/[id]/manifest': 'policies.download',
  'POST /api/policies/[id]/serve': 'policies.serve',
  'GET /api/policies/grid': 'policies.read',
  'GET /api/review/annotators': 'review.read',
  'POST /api/review/annotators/[id]/[action]': 'annotators.pause',
  'GET /api/review/flags': 'review.read',
  'POST /api/review/flags/[id]': 'review.decide',
  'GET /api/review/images': 'review.read',
  'GET /api/review/rates': 'review.read',
  'GET /api/rounds': 'rounds.read',
  'GET /api/rounds/[id]': 'rounds.read',
  'POST /api/rounds/[id]/[action]': 'rounds.manage',
  'GET /api/rounds/[id]/steps': 'rounds.read',
  'POST /api/runs': 'rounds.manage',
  'POST /api/runs/[id]/[action]': 'rounds.manage',
  'POST /api/sign-in': 'anybody',
  'POST /api/sign-out': 'anybody',
};

const pages: Record<string, Action> = {
  '/account': 'images.read',
  '/label': 'label',
  '/people': 'people.manage',
  '/policies': 'policies.read',
  '/policies/nothing': 'policies.read',
  '/review': 'review.read',
  '/review/annotators': 'review.read',
  '/review/flags': 'review.decide',
  '/review/images': 'review.read',
  '/rounds': 'rounds.read',
  '/rounds/new': 'rounds.manage',
  '/rounds/nothing': 'rounds.read',
};

/** Every route there is, as `METHOD /path`, read from the sources. */
function routesInSources(): string[] {
  return readdirSync('app/api', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name === 'route.ts')
    .flatMap((entry) => {
      const source = readFileSync(join(entry.parentPath, entry.name), 'utf8');
      const path = entry.parentPath.replaceAll('\\', '/').replace(/^app/, '');
      return [
        ...source.matchAll(/export (?:const|(?:async )?function) (GET|POST|PATCH|PUT|DELETE)\b/g),
      ].map(([, method]) => `${method} ${path}`);
    });
}

/** Ids that name nothing: whoever may do it gets 404 or 400, and nothing happens. */
function addressOf(path: string): string {
  return path
    .replace('[hash]', '0'.repeat(64))
    .replace('[action]', 'resume')
    .replace('[id]', 'nothing');
}

async function cookieOf(page: Page): Promise<string> {
  const cookies = await page.context().cookies();
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

/** Asks and reads only the status and, of a refusal, the code: live events never end. */
async function ask(url: string, route: string, cookie: string): Promise<[number, string | null]> {
  const [method = '', path = ''] = route.split(' ');
  const response = await fetch(`${url}${addressOf(path)}`, {
    method,
    headers: { cookie, 'Content-Type': 'application/json' },
    body: method === 'GET' || method === 'DELETE' ? undefined : '{}',
    redirect: 'manual',
  });
  if (response.status !== 401 && response.status !== 403) {
    await response.body?.cancel();
    return [response.status, null];
  }
  const { error } = await response.json();
  return [response.status, error.code];
}

test('every route is in the table', () => {
  expect(routesInSources().sort()).toEqual(Object.keys(routes).sort());
});

test('every route lets in the roles it is for, and nobody else', async ({ app, browser }) => {
  const wrong: string[] = [];
  const cookies = new Map<Role | null, string>([[null, '']]);
  for (const role of roles) cookies.set(role, await cookieOf(await app.signIn(browser, role)));
  for (const [route, needs] of Object.entries(routes)) {
    for (const [role, cookie] of cookies) {
      // Signing out would end the session that the next routes need.
      if (route === 'POST /api/sign-out' && role !== null) continue;
      const [status, code] = await ask(app.url, route, cookie);
      const expected =
        needs === 'anybody'
          ? null
          : role === null
            ? 'unauthenticated'
            : can(role, needs)
              ? null
              : 'forbidden';
      const refused = needs === 'anybody' ? null : code;
      if (refused !== expected || status >= 500) {
        wrong.push(`${route} as ${role ?? 'nobody'}: ${status} ${code}, expected ${expected}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('every page opens for the roles it is for, and for nobody else', async ({ app, browser }) => {
  const wrong: string[] = [];
  for (const role of roles) {
    const page = await app.signIn(browser, role);
    for (const [path, needs] of Object.entries(pages)) {
      const response = await page.request.get(path);
      const open = response.status() === 200 || response.status() === 404;
      if (can(role, needs) ? !open : response.status() !== 403) {
        wrong.push(`${path} as ${role}: ${response.status()}`);
      }
    }
  }
  const signedOut = await browser.newContext({ baseURL: app.url });
  for (const path of Object.keys(pages)) {
    const response = await signedOut.request.get(path);
    if (!response.url().endsWith('/sign-in')) wrong.push(`${path} as nobody: ${response.url()}`);
  }
  expect(wrong).toEqual([]);
});

test('a change that a foreign page asks for is refused, whoever is signed in', async ({
  app,
  browser,
}) => {
  const cookie = await cookieOf(await app.signIn(browser, 'admin'));
  const response = await fetch(`${app.url}/api/runs`, {
    method: 'POST',
    headers: { cookie, origin: 'https://elsewhere.example', 'Content-Type': 'application/json' },
    body: '{}',
  });
  expect(response.status).toBe(403);
});
