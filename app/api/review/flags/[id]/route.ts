import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { reviewFlag } from '@/db/labeling/flags';
import { flagDecisionSchema } from '../../schema';

/** Confirms or rejects a flag, or opens it again. */
export const POST = route(
  { needs: 'review.decide', params: idParamsSchema, body: flagDecisionSchema, limit: labelLimit },
  async ({ person, params, body }) =>
    reviewFlag({ flagId: params.id, state: body.state, reviewedBy: person.id }),
);
