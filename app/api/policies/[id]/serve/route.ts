import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { setServing } from '@/db/policies/aliases';

/** Serves a policy from the next round on; serving an earlier one is rolling back. */
export const POST = route(
  { needs: 'policies.serve', params: idParamsSchema, limit: manageLimit },
  async ({ person, params }) => setServing(params.id, person.id),
);
