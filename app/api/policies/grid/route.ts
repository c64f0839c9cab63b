import { route } from '@/app/http/define-route';
import { loadGrid } from '@/app/reads/policies/load-grid';
import { gridQuerySchema } from '../schema';

/** Fixed prompts and seeds across the versions of a pipeline. */
export const GET = route({ needs: 'policies.read', query: gridQuerySchema }, ({ query }) =>
  loadGrid(query),
);
