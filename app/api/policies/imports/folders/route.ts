import { route } from '@/app/http/define-route';
import { listModelFolders, modelsRoot } from '@/db/policies/models-root';
import { modelFoldersQuerySchema } from '../schema';

/** The folders in a folder under the root that the administrator names. */
export const GET = route(
  { needs: 'policies.import', query: modelFoldersQuerySchema },
  async ({ query: { below } }) => ({
    root: modelsRoot(),
    below,
    folders: await listModelFolders(below),
  }),
);
