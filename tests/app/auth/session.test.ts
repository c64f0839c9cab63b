import { expect, it } from 'vitest';
import { auth } from '@/app/auth/server';
import { sessionOf } from '@/app/auth/session';
import { withTemporaryHome } from '../../db/support';
import { signInAs } from '../support/sign-in';

withTemporaryHome();

it('names the session cookie after the home, not after the library', async () => {
  const { cookie } = await signInAs('annotator');
  expect(cookie).toMatch(/^darkroom-[0-9a-f]{8}\.session_token=/);
});

it('still knows a session by the name that every home used, but only its own', async () => {
  const { userId, cookie } = await signInAs('annotator');
  const value = cookie.slice(cookie.indexOf('=') + 1);
  const as = (text: string) => sessionOf(new Headers({ cookie: text }));
  expect((await as(`theme=dark; better-auth.session_token=${value}`))?.user.id).toBe(userId);
  const [token] = value.split('.');
  expect(
    await as(`better-auth.session_token=${token}.c2lnbmVkIGJ5IGFub3RoZXIgaG9tZQ%3D%3D`),
  ).toBeNull();
});

it('is not disturbed by the cookies of other homes', async () => {
  const { userId, cookie } = await signInAs('annotator');
  const others = 'better-auth.session_token=x.y; darkroom-00000000.session_token=z';
  const found = await sessionOf(new Headers({ cookie: `${others}; ${cookie}` }));
  expect(found?.user.id).toBe(userId);
  expect((await auth()).options.advanced.cookiePrefix).not.toBe('darkroom-00000000');
});
