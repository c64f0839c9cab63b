import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { loadRunSteps, loadSteps } from '@/app/reads/rounds/load-steps';
import { stepsQuerySchema } from '../../schema';

/** What a round's training logged so far, or that of all rounds of its run. */
export const GET = route(
  { needs: 'rounds.read', params: idParamsSchema, query: stepsQuerySchema },
  ({ params, query }) => (query.of === 'run' ? loadRunSteps(params.id) : loadSteps(params.id)),
);
