import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { POST as setLogin } from '@/app/api/account/login/route';
import { DELETE as endOne } from '@/app/api/account/sessions/[id]/route';
import { DELETE as endOthers } from '@/app/api/account/sessions/route';
import { GET as listen } from '@/app/api/events/route';
import { POST as link } from '@/app/api/people/[id]/link/route';
import { PATCH as changePerson } from '@/app/api/people/[id]/route';
import { POST as invite } from '@/app/api/people/invitations/route';
import { POST as annotatorAction } from '@/app/api/review/annotators/[id]/[action]/route';
import { POST as signOut } from '@/app/api/sign-out/route';
import { ownSessions } from '@/app/auth/own-sessions';
import { sessionOf } from '@/app/auth/session';
import { db } from '@/db/client';
import { placeholderEmail } from '@/db/people/users';
import { user } from '@/db/schema/people';
import type { Role } from '@/lib/roles';
import { withTemporaryHome } from '../../db/support';
import { signInAgain, signInAs } from '../support/sign-in';

withTemporaryHome();

type Handler = typeof endOthers;
type SignedIn = { userId: string; cookie: string };

async function call(handler: Handler, { cookie }: { cookie: string }, params = {}, body?: object) {
  const request = new Request('http://127.0.0.1:3000/api', {
    method: 'POST',
    headers: { cookie },
    body: body && JSON.stringify(body),
  });
  const response = await handler(request, { params: Promise.resolve(params) });
  const { error } = await response.json();
  return error?.code ?? response.status;
}

const headersOf = ({ cookie }: SignedIn) => new Headers({ cookie });
const isSignedIn = async (person: SignedIn) => (await sessionOf(headersOf(person))) !== null;

let admin: SignedIn;
beforeAll(async () => {
  admin = await signInAs('admin');
});

describe('the sessions of a person', () => {
  let here: SignedIn;
  let there: SignedIn;
  beforeEach(async () => {
    here = await signInAs('annotator');
    there = { ...here, cookie: await signInAgain(here.userId) };
  });

  it('are listed without their tokens, this one first', async () => {
    const sessions = await ownSessions(headersOf(there));
    expect(sessions.map(({ isThisOne }) => isThisOne)).toEqual([true, false]);
    const [token] = decodeURIComponent(there.cookie.split('=')[1] ?? '').split('.');
    expect(JSON.stringify(sessions)).not.toContain(token);
  });

  it('end one by one, but only for whom they belong to', async () => {
    const [, other] = await ownSessions(headersOf(here));
    expect(await call(endOne, admin, { id: other!.id })).toBe('not-found');
    expect(await isSignedIn(there)).toBe(true);
    expect(await call(endOne, here, { id: other!.id })).toBe(200);
    expect(await isSignedIn(there)).toBe(false);
    expect(await isSignedIn(here)).toBe(true);
  });

  it('end all but this one, by wish and with a new password', async () => {
    expect(await call(endOthers, here)).toBe(200);
    expect([await isSignedIn(here), await isSignedIn(there)]).toEqual([true, false]);
    const again = { ...here, cookie: await signInAgain(here.userId) };
    const login = { email: 'one@example.org', password: 'a long password' };
    expect(await call(setLogin, here, {}, login)).toBe(200);
    expect([await isSignedIn(here), await isSignedIn(again)]).toEqual([true, false]);
  });

  it('end with a pause and with a lower role, not with a higher one', async () => {
    const { userId: id } = here;
    expect(await call(changePerson, admin, { id }, { role: 'researcher' })).toBe(200);
    expect(await isSignedIn(here)).toBe(true);
    expect(await call(changePerson, admin, { id }, { role: 'reviewer' })).toBe(200);
    expect([await isSignedIn(here), await isSignedIn(there)]).toEqual([false, false]);
    const back = { ...here, cookie: await signInAgain(id) };
    expect(await call(changePerson, admin, { id }, { paused: true })).toBe(200);
    expect(await isSignedIn(back)).toBe(false);
  });
});

describe('a password', () => {
  it.each(['x@darkroom.invalid', 'x@imported.invalid', 'two@example.org'])(
    'given with %s is not changed without the current one',
    async (email) => {
      const person = await signInAs('annotator');
      const first = { email, password: 'a long password' };
      expect(await call(setLogin, person, {}, first)).toBe(200);
      const second = { email, password: 'another password' };
      expect(await call(setLogin, person, {}, second)).toBe('forbidden');
      expect(
        await call(setLogin, person, {}, { ...second, currentPassword: 'a long password' }),
      ).toBe(200);
    },
  );
});

describe('a pause', () => {
  async function paused(role: Role): Promise<SignedIn> {
    const person = await signInAs(role);
    expect(await call(changePerson, admin, { id: person.userId }, { paused: true })).toBe(200);
    return { ...person, cookie: await signInAgain(person.userId) };
  }

  it.each(['reviewer', 'researcher', 'admin'] as const)(
    'of a %s is lifted by somebody else, on no way by themselves',
    async (role) => {
      const person = await paused(role);
      const id = person.userId;
      expect(await call(annotatorAction, person, { id, action: 'resume' })).toBe('paused');
      if (role === 'admin') {
        expect(await call(changePerson, person, { id }, { paused: false })).toBe('paused');
        // Nor by inviting somebody new, or signing in as somebody else, who would.
        expect(await call(invite, person, {}, { role: 'admin', note: '' })).toBe('paused');
        expect(await call(link, person, { id: admin.userId })).toBe('paused');
      }
      expect(await call(annotatorAction, admin, { id, action: 'resume' })).toBe(200);
    },
  );

  it('does not reach upwards: a reviewer pauses no admin', async () => {
    const reviewer = await signInAs('reviewer');
    const above = await signInAs('admin');
    const params = { id: above.userId, action: 'pause' };
    expect(await call(annotatorAction, reviewer, params)).toBe('forbidden');
    expect(await isSignedIn(above)).toBe(true);
  });
});

it('an imported name gets neither a link nor a role', async () => {
  const row = { id: 'imported-one', name: 'Imported', email: placeholderEmail(), imported: true };
  db()
    .insert(user)
    .values({ ...row, createdAt: new Date(), updatedAt: new Date() })
    .run();
  expect(await call(link, admin, { id: row.id })).toBe('conflict');
  expect(await call(changePerson, admin, { id: row.id }, { role: 'admin' })).toBe('conflict');
  expect(await call(changePerson, admin, { id: row.id }, { paused: true })).toBe(200);
});

describe('an event stream ends', () => {
  const endings: [string, (person: SignedIn) => Promise<unknown>][] = [
    ['signing out', (person) => call(signOut, person)],
    [
      'a lower role',
      (person) => call(changePerson, admin, { id: person.userId }, { role: 'annotator' }),
    ],
    [
      'a higher role',
      (person) => call(changePerson, admin, { id: person.userId }, { role: 'admin' }),
    ],
    ['a pause', (person) => call(changePerson, admin, { id: person.userId }, { paused: true })],
  ];

  it.each(endings)('with %s', async (_, ending) => {
    const person = await signInAs('researcher');
    const hungUp = new AbortController();
    const request = new Request('http://127.0.0.1:3000/api/events', {
      headers: { cookie: person.cookie },
      signal: hungUp.signal,
    });
    const response = await listen(request, { params: Promise.resolve({}) });
    const reader = response.body!.getReader();
    expect((await reader.read()).done).toBe(false);
    expect(await ending(person)).toBe(200);
    for (let heard = await reader.read(); !heard.done; heard = await reader.read());
    hungUp.abort();
  });
});
