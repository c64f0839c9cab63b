import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { cancelRewardModel } from '@/db/rewards/reward-models';

/** Stops a reward model that waits or is in the making. */
export const POST = route(
  { needs: 'rewards.manage', params: idParamsSchema, limit: manageLimit },
  async ({ person, params: { id } }) => cancelRewardModel(id, person.id),
);
