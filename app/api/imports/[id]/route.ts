import { route } from '@/app/http/define-route';
import { loadImport } from '@/app/reads/imports/load-import';
import { idParamsSchema } from '../../id-params';

/** One import and what its answers say. */
export const GET = route({ needs: 'rounds.read', params: idParamsSchema }, ({ params }) =>
  loadImport(params.id),
);
