import { idParamsSchema } from '@/app/api/id-params';
import { endOwnSession } from '@/app/auth/own-sessions';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';

/** Ends one of one's own sessions. */
export const DELETE = route(
  { needs: 'images.read', params: idParamsSchema, limit: manageLimit },
  ({ request, params }) => endOwnSession(request.headers, params.id),
);
