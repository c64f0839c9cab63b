import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { revokeInvitation } from '@/db/people/invitations';
import { idParamsSchema } from '../../schema';

/** Makes an unused link useless. */
export const DELETE = route(
  { needs: 'people.manage', params: idParamsSchema, limit: manageLimit },
  async ({ person, params }) => {
    await revokeInvitation(params.id, person.id);
  },
);
