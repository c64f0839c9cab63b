import { route } from '../../../../http/define-route';
import { idParamsSchema } from '../../../id-params';
import { loadSteps } from '../../load-steps';

/** What a round's training logged so far. */
export const GET = route({ needs: 'rounds.read', params: idParamsSchema }, ({ params }) =>
  loadSteps(params.id),
);
