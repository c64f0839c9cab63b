import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { requireRole } from '@/app/auth/require-role';
import { db } from '@/db/client';
import { pausePerson, setRole } from '@/db/people/users';
import { session } from '@/db/schema/people';
import { withTemporaryHome } from '../../db/support';
import { askedDuring } from '../../support/statements';
import { signInAs } from '../support/sign-in';

withTemporaryHome();

async function signedIn(role: 'annotator' | 'researcher') {
  const { userId, cookie } = await signInAs(role);
  const headers = new Headers({ cookie });
  await requireRole(headers, 'label');
  return { userId, headers };
}

it('costs one look at the database once the cookie is known', async () => {
  const { headers } = await signedIn('annotator');
  const { statements } = await askedDuring(() => requireRole(headers, 'label'));
  expect(statements).toHaveLength(1);
});

it('ends at once with the session, though the cookie is genuine', async () => {
  const { userId, headers } = await signedIn('annotator');
  db().delete(session).where(eq(session.userId, userId)).run();
  await expect(requireRole(headers, 'label')).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('ends at once when it has expired', async () => {
  const { userId, headers } = await signedIn('annotator');
  db()
    .update(session)
    .set({ expiresAt: new Date(Date.now() - 1) })
    .where(eq(session.userId, userId))
    .run();
  await expect(requireRole(headers, 'label')).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('follows the role and a pause at once', async () => {
  const { userId, headers } = await signedIn('researcher');
  expect((await requireRole(headers, 'rounds.read')).role).toBe('researcher');
  await pausePerson(userId, null);
  await expect(requireRole(headers, 'label')).rejects.toThrow();
  const other = await signedIn('researcher');
  await setRole(other.userId, 'annotator', null);
  await expect(requireRole(other.headers, 'rounds.read')).rejects.toThrow();
});

it('takes no cookie that only resembles a known one', async () => {
  const { headers } = await signedIn('annotator');
  const forged = new Headers({ cookie: `${headers.get('cookie')}x` });
  await expect(requireRole(forged, 'label')).rejects.toMatchObject({ code: 'unauthenticated' });
});
