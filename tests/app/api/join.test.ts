import { beforeAll, describe, expect, it } from 'vitest';
import { POST as join } from '@/app/api/join/route';
import { POST as signIn } from '@/app/api/sign-in/route';
import { requireRole } from '@/app/auth/require-role';
import { consentsOf, ensureGuidelines } from '@/db/labeling/guidelines';
import { createInvitation, revokeInvitation } from '@/db/people/invitations';
import { withTemporaryHome } from '../../db/support';
import { listPeople } from '../../support/people';
import { signInAs } from '../support/sign-in';

withTemporaryHome();

beforeAll(async () => {
  await ensureGuidelines('Count the fingers.');
});

async function post(handler: typeof join, body: object) {
  const request = new Request('http://127.0.0.1:3000/api', {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const response = await handler(request, { params: Promise.resolve({}) });
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
  const { error } = await response.json();
  return { status: response.status, code: error?.code, cookie };
}

const personOf = (cookie: string) => requireRole(new Headers({ cookie }), 'images.read');

async function link(rest: { forUserId?: string; expiresInMs?: number } = {}): Promise<string> {
  const { token } = await createInvitation({ role: 'reviewer', createdBy: null, ...rest });
  return token;
}

describe('a one-time link', () => {
  it('makes a person with its role and signs them in; a name is enough', async () => {
    const { status, cookie } = await post(join, { token: await link(), name: ' Ada ' });
    expect(status).toBe(200);
    expect(await personOf(cookie)).toMatchObject({ name: 'Ada', role: 'reviewer', email: null });
  });

  it('works once, also when two use it at the same time', async () => {
    const token = await link();
    const before = (await listPeople()).length;
    const both = await Promise.all(['Ada', 'Eve'].map((name) => post(join, { token, name })));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 410]);
    expect((await listPeople()).length).toBe(before + 1);
    expect(await post(join, { token, name: 'Late' })).toMatchObject({ code: 'gone' });
  });

  it('signs in the person it was made for, as they are', async () => {
    const { userId } = await signInAs('annotator');
    const { cookie } = await post(join, { token: await link({ forUserId: userId }) });
    expect(await personOf(cookie)).toMatchObject({ id: userId, role: 'annotator' });
  });

  it('is refused when unknown, expired, withdrawn or without a name', async () => {
    expect(await post(join, { token: 'unknown', name: 'Ada' })).toMatchObject({
      code: 'not-found',
    });
    const expired = await link({ expiresInMs: -1 });
    expect(await post(join, { token: expired, name: 'Ada' })).toMatchObject({ code: 'gone' });
    const { id, token } = await createInvitation({ role: 'admin', createdBy: null });
    await revokeInvitation(id, null);
    expect(await post(join, { token, name: 'Ada' })).toMatchObject({ code: 'gone' });
    expect(await post(join, { token: await link() })).toMatchObject({ code: 'bad-request' });
  });

  it('records consent only to the guidelines in force', async () => {
    const accepted = await post(join, { token: await link(), name: 'A', acceptedGuidelines: 1 });
    const stale = await post(join, { token: await link(), name: 'B', acceptedGuidelines: 7 });
    expect((await consentsOf((await personOf(accepted.cookie)).id)).terms).toBe(1);
    expect((await consentsOf((await personOf(stale.cookie)).id)).terms).toBeNull();
  });
});

describe('email and password', () => {
  const login = { email: 'Ada@Example.org', password: 'a long password' };

  it('given with the link sign in later, and only together', async () => {
    const token = await link();
    expect(await post(join, { token, name: 'Ada', email: login.email })).toMatchObject({
      code: 'bad-request',
    });
    expect((await post(join, { token, name: 'Ada', ...login })).status).toBe(200);
    const { cookie } = await post(signIn, { ...login, email: 'ada@example.org' });
    expect(await personOf(cookie)).toMatchObject({ name: 'Ada', email: 'ada@example.org' });
    expect(await post(signIn, { ...login, password: 'another password' })).toMatchObject({
      code: 'unauthenticated',
      cookie: '',
    });
  });

  it('cannot be taken by a second person, whose link stays good', async () => {
    const token = await link();
    expect(await post(join, { token, name: 'Eve', ...login })).toMatchObject({ code: 'conflict' });
    expect((await post(join, { token, name: 'Eve' })).status).toBe(200);
  });

  it('are not tried for ever', async () => {
    const codes = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      codes.push((await post(signIn, { email: 'bob@example.org', password: 'guess' })).code);
    }
    expect(codes).toContain('too-many-requests');
  });
});
