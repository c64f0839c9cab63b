import { endOwnSession } from '../../../../auth/own-sessions';
import { route } from '../../../../http/define-route';
import { manageLimit } from '../../../../http/rate-limit';
import { idParamsSchema } from '../../../id-params';

/** Ends one of one's own sessions. */
export const DELETE = route(
  { needs: 'images.read', params: idParamsSchema, limit: manageLimit },
  ({ request, params }) => endOwnSession(request.headers, params.id),
);
