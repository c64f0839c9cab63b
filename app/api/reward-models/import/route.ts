import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { requestRewardModel } from '@/db/rewards/reward-models';
import { importRewardSchema } from '../schema';

/** Asks the trainer to open a reward model in a folder of its machine, and to try it. */
export const POST = route(
  { needs: 'rewards.manage', body: importRewardSchema, limit: manageLimit },
  async ({ person, body }) => {
    const { id } = await requestRewardModel({
      ...body,
      source: 'imported',
      createdBy: person.id,
    });
    return { id };
  },
);
