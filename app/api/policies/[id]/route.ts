import { route } from '@/app/http/define-route';
import { loadPolicy } from '@/app/reads/policies/load-policy';
import { idParamsSchema } from '../../id-params';

/** One policy with where it comes from and what was measured of it. */
export const GET = route({ needs: 'policies.read', params: idParamsSchema }, ({ params }) =>
  loadPolicy(params.id),
);
