import { reviewFlag } from '@/db/flags';
import { route } from '../../../../http/define-route';
import { labelLimit } from '../../../../http/rate-limit';
import { idParamsSchema } from '../../../id-params';
import { flagDecisionSchema } from '../../schema';

/** Confirms or rejects a flag, or opens it again. */
export const POST = route(
  { needs: 'review.decide', params: idParamsSchema, body: flagDecisionSchema, limit: labelLimit },
  async ({ person, params, body }) =>
    reviewFlag({ flagId: params.id, state: body.state, reviewedBy: person.id }),
);
