import { revokeInvitation } from '@/db/invitations';
import { manageLimit } from '../../../../http/rate-limit';
import { route } from '../../../../http/route';
import { idParamsSchema } from '../../schema';

/** Makes an unused link useless. */
export const DELETE = route(
  { needs: 'people.manage', params: idParamsSchema, limit: manageLimit },
  async ({ person, params }) => {
    await revokeInvitation(params.id, person.id);
  },
);
