import { pausePerson, resumePerson, setRole } from '@/db/users';
import { route } from '../../../http/define-route';
import { manageLimit } from '../../../http/rate-limit';
import { changePersonSchema, idParamsSchema } from '../schema';

/** Changes somebody's role, or pauses and resumes them. */
export const PATCH = route(
  {
    needs: 'people.manage',
    params: idParamsSchema,
    body: changePersonSchema,
    limit: manageLimit,
  },
  async ({ person, params, body }) => {
    if ('role' in body) await setRole(params.id, body.role, person.id);
    else await (body.paused ? pausePerson : resumePerson)(params.id, person.id);
  },
);
