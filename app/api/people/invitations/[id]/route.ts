import { revokeInvitation } from '@/db/invitations';
import { route } from '../../../../http/define-route';
import { manageLimit } from '../../../../http/rate-limit';
import { idParamsSchema } from '../../schema';

/** Makes an unused link useless. */
export const DELETE = route(
  { needs: 'people.manage', params: idParamsSchema, limit: manageLimit },
  async ({ person, params }) => {
    await revokeInvitation(params.id, person.id);
  },
);
