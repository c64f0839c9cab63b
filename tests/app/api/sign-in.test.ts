import { beforeAll, describe, expect, it } from 'vitest';
import { POST as join } from '@/app/api/join/route';
import { POST as signIn } from '@/app/api/sign-in/route';
import { strangerLimit, takeToken } from '@/app/http/rate-limit';
import { createInvitation } from '@/db/people/invitations';
import { withTemporaryHome } from '../../db/support';

withTemporaryHome();

// As the settings of somebody behind a proxy on the same machine; read when sessions are first
// asked for.
process.env.DARKROOM_TRUST_PROXY = '127.0.0.1';

type Sender = { address?: string; cookies?: string };

async function post(handler: typeof join, body: object, { address, cookies = '' }: Sender = {}) {
  const hops = address === undefined ? '127.0.0.1' : `${address}, 127.0.0.1`;
  const request = new Request('http://127.0.0.1:3000/api', {
    method: 'POST',
    headers: { cookie: cookies, 'x-darkroom-hops': hops },
    body: JSON.stringify(body),
  });
  const response = await handler(request, { params: Promise.resolve({}) });
  const set = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
  return { status: response.status, cookies: set.join('; ') };
}

let people = 0;

/** Somebody with a password of their own, and what a browser keeps that they joined with. */
async function member() {
  const email = `person-${people++}@example.org`;
  const { token } = await createInvitation({ role: 'annotator', createdBy: null });
  const login = { email, password: 'the right password' };
  const from = { address: `192.0.2.${people}` };
  const { cookies } = await post(join, { token, name: 'Ada', ...login }, from);
  const device = cookies.split('; ').find((cookie) => cookie.includes('.device='));
  return { login, device: device ?? '' };
}

const wrong = (email: string) => ({ email, password: 'a wrong password' });

async function guess(email: string, times: number, sender: (index: number) => Sender) {
  const statuses: number[] = [];
  for (let index = 0; index < times; index++) {
    statuses.push((await post(signIn, wrong(email), sender(index))).status);
  }
  return statuses;
}

describe('wrong passwords', () => {
  let ada: Awaited<ReturnType<typeof member>>;
  beforeAll(async () => {
    ada = await member();
  });

  it('of a stranger at one address are refused in the end and lock nobody else out', async () => {
    const statuses = await guess(ada.login.email, 12, () => ({ address: '203.0.113.9' }));
    expect(statuses.at(0)).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    expect((await post(signIn, ada.login, { address: '198.51.100.4' })).status).toBe(200);
  });

  it('count as one address however a client that is no proxy forges the chain', async () => {
    const { login } = await member();
    const statuses = await guess(login.email, 12, (index) => ({
      address: `10.9.8.${index}, 203.0.113.10`,
    }));
    expect(statuses.at(-1)).toBe(429);
  });

  it('count as one address across a customer network of IPv6', async () => {
    const { login } = await member();
    const statuses = await guess(login.email, 12, (index) => ({
      address: `2001:db8:1:2::${index.toString(16)}`,
    }));
    expect(statuses.at(-1)).toBe(429);
  });

  it('from many addresses stop in the end, but not the devices that this email signed in on', async () => {
    const { login, device } = await member();
    const statuses = await guess(login.email, 4, (index) => ({ address: `198.18.${index}.1` }));
    expect(statuses).toEqual([401, 401, 401, 401]);
    // The rest of their tries, without working out a hash for each.
    for (let used = 4; used < strangerLimit.burst; used++) takeToken(strangerLimit, login.email);
    const stranger = { address: '198.18.99.1' };
    expect((await post(signIn, wrong(login.email), stranger)).status).toBe(429);
    const owner = { address: '198.51.100.5', cookies: device };
    expect((await post(signIn, login, owner)).status).toBe(200);
    // Somebody else's device is a stranger to this email.
    const other = { address: '198.51.100.6', cookies: ada.device };
    expect((await post(signIn, login, other)).status).toBe(429);
  });

  it('typed on a known device are limited too', async () => {
    const { login, device } = await member();
    const statuses = await guess(login.email, 12, (index) => ({
      address: `198.19.${index}.1`,
      cookies: device,
    }));
    expect(statuses.at(-1)).toBe(429);
  });
});

it('right passwords never use up tries', async () => {
  const { login } = await member();
  for (let times = 0; times < 12; times++) {
    expect((await post(signIn, login, { address: '198.51.100.7' })).status).toBe(200);
  }
});
