import { auth } from '@/app/auth/server';
import { createInvitation } from '@/db/people/invitations';
import type { Role } from '@/lib/roles';

/**
 * Makes a person by a one-time link, as the join page does; returns their id and session cookie.
 */
export async function signInAs(role: Role): Promise<{ userId: string; cookie: string }> {
  const { token } = await createInvitation({ role, createdBy: null });
  return join(token, role);
}

/** Signs a person in once more, as on another device; returns that session's cookie. */
export async function signInAgain(userId: string): Promise<string> {
  const { token } = await createInvitation({
    role: 'annotator',
    createdBy: null,
    forUserId: userId,
  });
  return (await join(token)).cookie;
}

async function join(token: string, name?: string): Promise<{ userId: string; cookie: string }> {
  const { headers, response } = await (await auth()).api.joinByLink({
    body: { token, name },
    returnHeaders: true,
  });
  const cookie = headers.get('set-cookie')?.split(';')[0];
  if (!cookie) throw new Error('joining set no cookie');
  return { userId: response.userId, cookie };
}
