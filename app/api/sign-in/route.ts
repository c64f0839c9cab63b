import { AppError } from '@/lib/errors';
import { clientAddress } from '../../auth/client-address';
import { deviceCookie, knownDevice } from '../../auth/known-device';
import { auth } from '../../auth/server';
import { signInRequestSchema } from '../../auth/sign-in.schema';
import { openRoute } from '../../http/define-route';
import {
  passwordLimit,
  returnToken,
  signInLimit,
  strangerLimit,
  takeToken,
} from '../../http/rate-limit';

/**
 * Signs in by email and password. Wrong email and wrong password are told apart to nobody. Only
 * wrong ones count against the limits, and those of strangers not against a device that this email
 * has signed in on.
 */
export const POST = openRoute(
  { body: signInRequestSchema, limit: signInLimit },
  async ({ request, body }) => {
    const device = await knownDevice(request.headers, body.email);
    const from = device ?? (await clientAddress(request.headers));
    const caller = `${body.email} from ${from}`;
    takeToken(passwordLimit, caller);
    if (device === null) takeToken(strangerLimit, body.email);

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
    returnToken(passwordLimit, caller);
    if (device === null) returnToken(strangerLimit, body.email);
    const headers = new Headers();
    for (const cookie of answer.headers.getSetCookie()) headers.append('Set-Cookie', cookie);
    headers.append('Set-Cookie', await deviceCookie(body.email, device));
    return Response.json({}, { headers });
  },
);
