import { eq, sql } from 'drizzle-orm';
import { prepared } from './prepared';
import { session, user } from './schema/people';

const byToken = prepared((database) =>
  database
    .select({ session, user })
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(eq(session.token, sql.placeholder('token')))
    .prepare(),
);

/** A session that has neither been ended nor expired at `now` (ms), with its owner as they are now; null otherwise. */
export function liveSession(token: string, now: number) {
  const row = byToken().get({ token });
  return row && row.session.expiresAt.getTime() > now ? row : null;
}
