import { AppError } from '@/lib/errors';
import { auth } from '../../auth/server';
import { signInRequestSchema } from '../../auth/sign-in.schema';
import { openRoute } from '../../http/define-route';
import { passwordLimit, signInLimit, takeToken } from '../../http/rate-limit';

/** Signs in by email and password. Wrong email and wrong password are told apart to nobody. */
export const POST = openRoute(
  { body: signInRequestSchema, limit: signInLimit },
  async ({ request, body }) => {
    takeToken(passwordLimit, body.email);
    const answer = await (await auth()).api.signInEmail({
      body,
      headers: request.headers,
      asResponse: true,
    });
    if (!answer.ok) {
      throw new AppError(
        'unauthenticated',
        'Email or password is wrong. Check both and try again.',
      );
    }
    return Response.json({}, { headers: { 'Set-Cookie': answer.headers.get('set-cookie') ?? '' } });
  },
);
