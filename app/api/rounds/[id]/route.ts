import { route } from '@/app/http/define-route';
import { loadRound } from '@/app/reads/rounds/load-round';
import { idParamsSchema } from '../../id-params';

/** One round with what it was trained on, how it went and what came of it. */
export const GET = route({ needs: 'rounds.read', params: idParamsSchema }, ({ params }) =>
  loadRound(params.id),
);
