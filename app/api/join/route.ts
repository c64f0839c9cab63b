import { latestGuidelines, recordConsent } from '@/db/labeling/guidelines';
import { joinRequestSchema } from '../../auth/join.schema';
import { deviceCookie } from '../../auth/known-device';
import { auth } from '../../auth/server';
import { openRoute } from '../../http/define-route';
import { signInLimit } from '../../http/rate-limit';

/**
 * Uses a one-time link up and signs in. `acceptedGuidelines` is the version shown on the page, for
 * those who agreed to it there; others are asked before their first pair.
 */
export const POST = openRoute(
  { body: joinRequestSchema, limit: signInLimit },
  async ({ request, body }) => {
    const { headers, response } = await (await auth()).api.joinByLink({
      body,
      headers: request.headers,
      returnHeaders: true,
    });
    const current = await latestGuidelines();
    if (current && body.acceptedGuidelines === current.version) {
      await recordConsent({ userId: response.userId, kind: 'terms', version: current.version });
    }
    const cookies = new Headers();
    for (const cookie of headers.getSetCookie()) cookies.append('Set-Cookie', cookie);
    if (body.email) cookies.append('Set-Cookie', await deviceCookie(body.email, null));
    return Response.json({}, { headers: cookies });
  },
);
