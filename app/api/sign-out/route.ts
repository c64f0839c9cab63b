import { auth } from '../../auth/server';
import { authHeaders } from '../../auth/session';
import { openRoute } from '../../http/define-route';
import { signInLimit } from '../../http/rate-limit';

/** Ends the session, if there is one. */
export const POST = openRoute({ limit: signInLimit }, async ({ request }) => {
  const { headers } = await (await auth()).api.signOut({
    headers: await authHeaders(request.headers),
    returnHeaders: true,
  });
  return Response.json({}, { headers: { 'Set-Cookie': headers.get('set-cookie') ?? '' } });
});
