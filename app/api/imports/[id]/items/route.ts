import { route } from '@/app/http/define-route';
import { loadImportItems } from '@/app/reads/imports/load-import-items';
import { idParamsSchema } from '../../../id-params';
import { importItemsQuerySchema } from '../../schema';

/** Pairs and groups of an import, some at a time. */
export const GET = route(
  { needs: 'rounds.read', params: idParamsSchema, query: importItemsQuerySchema },
  ({ params, query }) => loadImportItems(params.id, query),
);
