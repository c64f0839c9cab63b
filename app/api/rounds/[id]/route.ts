import { route } from '../../../http/define-route';
import { idParamsSchema } from '../../id-params';
import { loadRound } from '../load-round';

/** One round with what it was trained on, how it went and what came of it. */
export const GET = route({ needs: 'rounds.read', params: idParamsSchema }, ({ params }) =>
  loadRound(params.id),
);
