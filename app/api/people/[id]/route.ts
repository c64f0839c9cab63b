import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { pausePerson, resumePerson, setRole } from '@/db/people/users';
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
