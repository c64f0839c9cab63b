/**
 * @file Browsers that have signed in before: each keeps a cookie for it that outlives the session.
 * Whoever guesses at a password from elsewhere uses up the tries of unknown devices and leaves
 * those of a known one alone (OWASP, "Device cookies").
 */
import { timingSafeEqual } from 'node:crypto';
import { newId } from '@/db/ids';
import { auth, derived } from './server';
import { cookieValue } from './session';

const yearSeconds = 365 * 86_400;

async function naming() {
  const { authCookies, options, secret } = await (await auth()).$context;
  return {
    name: `${options.advanced?.cookiePrefix}.device`,
    secure: authCookies.sessionToken.attributes.secure ? '; Secure' : '',
    proof: (id: string, email: string) => derived(secret, `device ${id} of ${email}`),
  };
}

/**
 * The id of the device that sends these headers, where this email has signed in on it before; else
 * null.
 */
export async function knownDevice(headers: Headers, email: string): Promise<string | null> {
  const { name, proof } = await naming();
  const [id, shown] = cookieValue(headers.get('cookie') ?? '', name)?.split('.') ?? [];
  if (!id || !shown) return null;
  const right = Buffer.from(proof(id, email));
  const given = Buffer.from(shown);
  return given.length === right.length && timingSafeEqual(given, right) ? id : null;
}

/**
 * The cookie that makes a device known to this email, as a Set-Cookie header; a known one keeps its
 * id.
 */
export async function deviceCookie(email: string, id: string | null): Promise<string> {
  const { name, secure, proof } = await naming();
  const device = id ?? newId();
  const value = `${device}.${proof(device, email)}`;
  return `${name}=${value}; Max-Age=${yearSeconds}; Path=/api/sign-in; HttpOnly; SameSite=Lax${secure}`;
}
