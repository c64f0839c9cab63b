import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { pausePerson } from '@/db/people/users';
import { errorCodes } from '@/lib/errors';
import { allowedWhilePaused, can } from '@/lib/permissions';
import { type Role, roles } from '@/lib/roles';
import { withTemporaryHome } from '../../db/support';
import { signInAgain, signInAs } from '../support/sign-in';
import { routeTable } from './route-table';

withTemporaryHome();

const cookies = new Map<Role | null, string>();

/** The session cookies of people who are paused. */
const pausedCookies = new Map<Role, string>();

beforeAll(async () => {
  for (const role of roles) cookies.set(role, (await signInAs(role)).cookie);
  for (const role of roles) {
    const { userId } = await signInAs(role);
    await pausePerson(userId, null);
    pausedCookies.set(role, await signInAgain(userId));
  }
});

type RouteModule = Record<string, (request: Request, context: object) => Promise<Response>>;

function routeModule(path: string): Promise<RouteModule> {
  return import(/* @vite-ignore */ resolve('app/api', path, 'route.ts'));
}

const methods = ['GET', 'POST', 'PATCH', 'DELETE'] as const;

async function call(path: string, method: string, cookie = '') {
  const module = await routeModule(path);
  const abort = new AbortController();
  const request = new Request(`http://127.0.0.1:3000/api/${path}`, {
    method,
    headers: { cookie },
    // A body that no schema accepts: a call that is let in is refused by its parser, and changes
    // nothing.
    body: method === 'GET' ? undefined : '"nonsense"',
    signal: abort.signal,
  });
  const response = await module[method]?.(request, { params: Promise.resolve({}) });
  if (!response) throw new Error(`${path} has no ${method}`);
  const code = response.ok ? null : (await response.json()).error.code;
  abort.abort();
  return code;
}

it('lists every route there is, with every method it has', async () => {
  const found: Record<string, string[]> = {};
  for (const file of readdirSync('app', { recursive: true, encoding: 'utf8' })) {
    if (!/[\\/]route\.ts$/.test(file)) continue;
    expect(file, 'routes stand in app/api').toMatch(/^api[\\/]/);
    const path = file.replaceAll('\\', '/').slice('api/'.length, -'/route.ts'.length);
    const module = await routeModule(path);
    found[path] = methods.filter((method) => method in module);
  }
  const listed = Object.entries(routeTable).map(([path, actions]) => [path, Object.keys(actions)]);
  expect(found).toEqual(Object.fromEntries(listed));
});

const rows = Object.entries(routeTable).flatMap(([path, actions]) =>
  Object.entries(actions).map(([method, action]) => ({
    path,
    method,
    action: action ?? 'anybody',
  })),
);

describe.each(rows)('$method /api/$path needs $action', ({ path, method, action }) => {
  it.each([null, ...roles])('%s', async (role) => {
    const code = await call(path, method, cookies.get(role));
    if (action === 'anybody') expect(code).not.toBe('forbidden');
    else if (role === null) expect(code).toBe('unauthenticated');
    else if (!can(role, action)) expect(code).toBe('forbidden');
    else expect(['forbidden', 'unauthenticated']).not.toContain(code);
    if (code !== null) expect(Object.keys(errorCodes)).toContain(code);
  });

  it.each(roles)('%s who is paused', async (role) => {
    const code = await call(path, method, pausedCookies.get(role));
    if (action === 'anybody') expect(code).not.toBe('paused');
    else if (!can(role, action)) expect(code).toBe('forbidden');
    else if (!allowedWhilePaused(action)) expect(code).toBe('paused');
    else expect(['forbidden', 'paused', 'unauthenticated']).not.toContain(code);
  });
});
