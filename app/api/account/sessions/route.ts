import { endOtherSessions } from '@/app/auth/own-sessions';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';

/** Signs oneself out everywhere else. */
export const DELETE = route({ needs: 'images.read', limit: manageLimit }, ({ request }) =>
  endOtherSessions(request.headers),
);
