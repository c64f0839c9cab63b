import { route } from '../../http/define-route';
import { loadPolicies } from './load-policies';
import { policiesQuerySchema } from './schema';

/** Every version of a pipeline, with its rates and which one is served. */
export const GET = route({ needs: 'policies.read', query: policiesQuerySchema }, ({ query }) =>
  loadPolicies(query.pipeline),
);
