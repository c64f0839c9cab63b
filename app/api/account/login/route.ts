import { AppError } from '@/lib/errors';
import { auth } from '../../../auth/server';
import { route } from '../../../http/define-route';
import { passwordLimit } from '../../../http/rate-limit';
import { loginRequestSchema } from '../schema';

/** Sets one's own email and password; whoever has a password already must show that they know it. */
export const POST = route(
  { needs: 'images.read', body: loginRequestSchema, limit: passwordLimit },
  async ({ person, request, body: { currentPassword, ...login } }) => {
    const { api } = await auth();
    if (person.email !== null) {
      const known = await api
        .verifyPassword({ body: { password: currentPassword ?? '' }, headers: request.headers })
        .catch(() => null);
      if (!known) throw new AppError('forbidden', 'The current password is wrong. Type it again.');
    }
    await api.setLogin({ body: { userId: person.id, ...login } });
  },
);
