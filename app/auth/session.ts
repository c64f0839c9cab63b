import { knownSession } from './known-session';
import { auth } from './server';

/** How the session's cookie was called in every home before each home had a name of its own. */
const formerNames = ['better-auth.session_token', '__Secure-better-auth.session_token'];

/**
 * Headers as better-auth is to see them: a session cookie under its former name still signs in. It
 * is signed with the home's secret, so that another home's means nothing here.
 */
export async function authHeaders(headers: Headers): Promise<Headers> {
  const cookies = headers.get('cookie');
  if (!cookies) return headers;
  const name = (await (await auth()).$context).authCookies.sessionToken.name;
  if (cookieValue(cookies, name) !== undefined) return headers;
  const former = formerNames.map((old) => cookieValue(cookies, old)).find(Boolean);
  if (former === undefined) return headers;
  const renamed = new Headers(headers);
  renamed.set('cookie', `${cookies}; ${name}=${former}`);
  return renamed;
}

/**
 * The session that these headers belong to, with its user; null when there is none or it has ended.
 * One that is due is prolonged; where the database takes no writes (a full disk, a long
 * transaction) it is as good as before.
 */
export async function sessionOf(headers: Headers) {
  return knownSession(headers, () => askedSession(headers));
}

async function askedSession(received: Headers) {
  const { api } = await auth();
  const headers = await authHeaders(received);
  try {
    return await api.getSession({ headers });
  } catch {
    return api.getSession({ headers, query: { disableRefresh: true } });
  }
}

/** A cookie's value as it was sent, or undefined. */
export function cookieValue(cookies: string, name: string): string | undefined {
  const found = cookies.split(';').find((cookie) => cookie.trim().startsWith(`${name}=`));
  return found?.trim().slice(name.length + 1);
}
