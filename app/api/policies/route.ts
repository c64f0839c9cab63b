import { route } from '../../http/define-route';
import { loadPolicies } from '../../reads/policies/load-policies';
import { policiesQuerySchema } from './schema';

/** Versions of a pipeline, some at a time, with their rates and which one is served. */
export const GET = route({ needs: 'policies.read', query: policiesQuerySchema }, ({ query }) =>
  loadPolicies(query),
);
