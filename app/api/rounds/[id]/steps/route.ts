import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { loadSteps } from '@/app/reads/rounds/load-steps';

/** What a round's training logged so far. */
export const GET = route({ needs: 'rounds.read', params: idParamsSchema }, ({ params }) =>
  loadSteps(params.id),
);
