import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { createInvitation } from '@/db/people/invitations';
import { findUser } from '@/db/people/users';
import { AppError } from '@/lib/errors';
import { idParamsSchema } from '../../schema';

/**
 * Makes a one-time link that signs in somebody known: Darkroom sends no mail to reset a password.
 */
export const POST = route(
  { needs: 'people.manage', params: idParamsSchema, limit: manageLimit },
  async ({ person, params }) => {
    const found = await findUser(params.id);
    if (!found) throw new AppError('not-found', `There is no person ${params.id}.`);
    if (found.imported) {
      throw new AppError(
        'conflict',
        `${found.name} stands for imported answers; nobody can sign in as that.`,
      );
    }
    const { token } = await createInvitation({
      role: found.role,
      createdBy: person.id,
      forUserId: found.id,
      note: found.name,
    });
    return { path: `/join/${token}` };
  },
);
