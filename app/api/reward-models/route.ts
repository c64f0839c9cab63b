import { requestRewardModel } from '@/db/rewards/reward-models';
import { route } from '../../http/define-route';
import { manageLimit } from '../../http/rate-limit';
import { loadRewardModels } from '../../reads/reward-models/load-reward-models';
import { rewardsQuerySchema, trainRewardSchema } from './schema';

/** Reward models of a pipeline, with what there is to learn from. */
export const GET = route({ needs: 'rewards.read', query: rewardsQuerySchema }, ({ query }) =>
  loadRewardModels(query.pipeline),
);

/** Asks the trainer to learn a new version from what people have said until now. */
export const POST = route(
  { needs: 'rewards.manage', body: trainRewardSchema, limit: manageLimit },
  async ({ person, body }) => {
    const { id } = await requestRewardModel({ ...body, createdBy: person.id });
    return { id };
  },
);
