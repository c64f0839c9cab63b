import { endOtherSessions } from '../../../auth/own-sessions';
import { route } from '../../../http/define-route';
import { manageLimit } from '../../../http/rate-limit';

/** Signs oneself out everywhere else. */
export const DELETE = route({ needs: 'images.read', limit: manageLimit }, ({ request }) =>
  endOtherSessions(request.headers),
);
