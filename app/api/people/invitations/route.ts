import { createInvitation } from '@/db/invitations';
import { route } from '../../../http/define-route';
import { manageLimit } from '../../../http/rate-limit';
import { inviteRequestSchema } from '../schema';

/** Makes a one-time link for somebody new. */
export const POST = route(
  { needs: 'people.manage', body: inviteRequestSchema, limit: manageLimit },
  async ({ person, body }) => {
    const { token } = await createInvitation({ ...body, createdBy: person.id });
    return { path: `/join/${token}` };
  },
);
