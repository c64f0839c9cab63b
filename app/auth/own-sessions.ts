import { AppError } from '@/lib/errors';
import { auth } from './server';
import { authHeaders, sessionOf } from './session';

/**
 * Where somebody is signed in, as they see it: never the token, which would be the session itself.
 * Times in ms.
 */
export type OwnSession = {
  id: string;
  userAgent: string | null;
  address: string | null;
  signedInAt: number;
  /** To the day. */
  lastSeenAt: number;
  isThisOne: boolean;
};

/** The sessions of whoever sends these headers, this one first, then the last seen first. */
export async function ownSessions(headers: Headers): Promise<OwnSession[]> {
  const current = await sessionOf(headers);
  const sessions = await (await auth()).api.listSessions({ headers: await authHeaders(headers) });
  return sessions
    .map(({ id, userAgent, ipAddress, createdAt, updatedAt }) => ({
      id,
      userAgent: userAgent || null,
      address: ipAddress || null,
      signedInAt: createdAt.getTime(),
      lastSeenAt: updatedAt.getTime(),
      isThisOne: id === current?.session.id,
    }))
    .sort((a, b) => Number(b.isThisOne) - Number(a.isThisOne) || b.lastSeenAt - a.lastSeenAt);
}

/**
 * Ends one of the sessions of whoever sends these headers. Throws 'not-found' for anybody else's.
 */
export async function endOwnSession(headers: Headers, id: string): Promise<void> {
  const { api } = await auth();
  const own = await authHeaders(headers);
  const found = (await api.listSessions({ headers: own })).find((session) => session.id === id);
  if (!found) throw new AppError('not-found', 'This session has ended already. Reload the page.');
  await api.revokeSession({ body: { token: found.token }, headers: own });
}

/** Ends all sessions of whoever sends these headers but the one that they are sent in. */
export async function endOtherSessions(headers: Headers): Promise<void> {
  await (await auth()).api.revokeOtherSessions({ headers: await authHeaders(headers) });
}
