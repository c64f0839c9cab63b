import { setServing } from '@/db/aliases';
import { route } from '../../../../http/define-route';
import { manageLimit } from '../../../../http/rate-limit';
import { idParamsSchema } from '../../../id-params';

/** Serves a policy from the next round on; serving an earlier one is rolling back. */
export const POST = route(
  { needs: 'policies.serve', params: idParamsSchema, limit: manageLimit },
  async ({ person, params }) => setServing(params.id, person.id),
);
