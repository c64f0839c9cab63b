import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { createInvitation } from '@/db/people/invitations';
import { inviteRequestSchema } from '../schema';

/** Makes a one-time link for somebody new. */
export const POST = route(
  { needs: 'people.manage', body: inviteRequestSchema, limit: manageLimit },
  async ({ person, body }) => {
    const { token } = await createInvitation({ ...body, createdBy: person.id });
    return { path: `/join/${token}` };
  },
);
