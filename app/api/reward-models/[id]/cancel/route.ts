import { cancelRewardModel } from '@/db/reward-models';
import { route } from '../../../../http/define-route';
import { manageLimit } from '../../../../http/rate-limit';
import { idParamsSchema } from '../../../id-params';

/** Stops a reward model that waits or is in the making. */
export const POST = route(
  { needs: 'rewards.manage', params: idParamsSchema, limit: manageLimit },
  async ({ person, params: { id } }) => cancelRewardModel(id, person.id),
);
