import { deviceCookie, knownDevice } from '@/app/auth/known-device';
import { endOtherSessions } from '@/app/auth/own-sessions';
import { auth } from '@/app/auth/server';
import { authHeaders } from '@/app/auth/session';
import { route } from '@/app/http/define-route';
import { passwordLimit } from '@/app/http/rate-limit';
import { hasPassword } from '@/db/people/sessions';
import { AppError } from '@/lib/errors';
import { loginRequestSchema } from '../schema';

/**
 * Sets one's own email and password and ends all other sessions; whoever has a password already
 * must show that they know it.
 */
export const POST = route(
  { needs: 'images.read', body: loginRequestSchema, limit: passwordLimit },
  async ({ person, request, body: { currentPassword, ...login } }) => {
    const { api } = await auth();
    const headers = await authHeaders(request.headers);
    if (await hasPassword(person.id)) {
      const known = await api
        .verifyPassword({ body: { password: currentPassword ?? '' }, headers })
        .catch(() => null);
      if (!known) throw new AppError('forbidden', 'The current password is wrong. Type it again.');
    }
    await api.setLogin({ body: { userId: person.id, ...login } });
    await endOtherSessions(request.headers);
    const device = await knownDevice(request.headers, login.email);
    return Response.json(
      {},
      { headers: { 'Set-Cookie': await deviceCookie(login.email, device) } },
    );
  },
);
