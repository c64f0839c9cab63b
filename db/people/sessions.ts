import { and, eq, gt, inArray, sql } from 'drizzle-orm';
import type { Role } from '@/lib/roles';
import { db } from '../client';
import { prepared } from '../prepared';
import { account, session, user } from '../schema/people';
import { change, type Steps, type Transaction } from '../transaction';

/** Signs somebody out everywhere, within the decision that asks for it. */
export function* endSessions(tx: Transaction, userId: string): Steps<void> {
  yield* change(tx.delete(session).where(eq(session.userId, userId)));
}

/**
 * Which of these sessions still hold, and the role of whom they belong to; sessions that have ended
 * are missing.
 */
export async function rolesOfSessions(ids: readonly string[]): Promise<Map<string, Role>> {
  const rows = db()
    .select({ id: session.id, role: user.role })
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(and(inArray(session.id, [...ids]), gt(session.expiresAt, new Date())))
    .all();
  return new Map(rows.map(({ id, role }) => [id, role]));
}

/**
 * Whether somebody can sign in by a password, which they then have to know before they change it.
 */
export async function hasPassword(userId: string): Promise<boolean> {
  const own = and(eq(account.userId, userId), eq(account.providerId, 'credential'));
  return db().select({ id: account.id }).from(account).where(own).get() !== undefined;
}

const byToken = prepared((database) =>
  database
    .select({ session, user })
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(eq(session.token, sql.placeholder('token')))
    .prepare(),
);

/**
 * A session that has neither been ended nor expired at `now` (ms), with its owner as they are now;
 * null otherwise.
 */
export function liveSession(token: string, now: number) {
  const row = byToken().get({ token });
  return row && row.session.expiresAt.getTime() > now ? row : null;
}
