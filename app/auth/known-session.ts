import { liveSession } from '@/db/people/sessions';

/**
 * How long a cookie that was found to be signed by this home is taken as that, ms; then it is asked
 * of better-auth again.
 */
const knownMs = 60_000;

/** Cookies remembered at once; the oldest go first. */
const knownMax = 10_000;

type Known = { token: string; until: number };

const known = new Map<string, Known>();

type Asked = { session: { token: string }; user: Record<string, unknown> } | null;

/**
 * Who sends these headers. Whether a cookie is genuine does not change, so better-auth, which
 * checks its signature and extends the session, is asked once a minute; whether the session still
 * stands, and who its owner is by now, is read from the database every time.
 *
 * @param ask better-auth's answer to these headers
 */
export async function knownSession<T extends Asked>(
  headers: Headers,
  ask: () => Promise<T>,
): Promise<T | ReturnType<typeof liveSession>> {
  const cookie = headers.get('cookie');
  if (!cookie) return ask();
  const now = Date.now();
  const remembered = known.get(cookie);
  if (remembered && remembered.until > now) {
    const live = liveSession(remembered.token, now);
    if (live) return live;
  }
  const asked = await ask();
  known.delete(cookie);
  if (!asked) return asked;
  if (known.size >= knownMax) known.delete(known.keys().next().value ?? '');
  known.set(cookie, { token: asked.session.token, until: now + knownMs });
  return asked;
}
