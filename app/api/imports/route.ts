import { route } from '../../http/define-route';
import { loadImports } from '../../reads/imports/load-imports';
import { importsQuerySchema } from './schema';

/** Imported answers by the files that they came in, newest first, some at a time. */
export const GET = route({ needs: 'rounds.read', query: importsQuerySchema }, ({ query }) =>
  loadImports(query),
);
