import { route } from '../../../http/define-route';
import { idParamsSchema } from '../../id-params';
import { loadPolicy } from '../load-policy';

/** One policy with where it comes from and what was measured of it. */
export const GET = route({ needs: 'policies.read', params: idParamsSchema }, ({ params }) =>
  loadPolicy(params.id),
);
