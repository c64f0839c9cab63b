import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { loadImports } from '@/app/reads/policies/load-imports';
import { folderUnderRoot } from '@/db/policies/models-root';
import { requestPipelineImport } from '@/db/policies/pipeline-imports';
import { importOptionsSchema } from '@/lib/pipeline-imports';
import { importModelSchema } from './schema';

/** Imports of pipelines, with how far each is. */
export const GET = route({ needs: 'policies.read' }, () => loadImports());

/** Asks the trainer to take up the pipeline in a folder under the root. */
export const POST = route(
  { needs: 'policies.import', body: importModelSchema, limit: manageLimit },
  async ({ person, body: { below, ...options } }) => {
    const { id } = await requestPipelineImport({
      folder: await folderUnderRoot(below),
      options: importOptionsSchema.parse(options),
      createdBy: person.id,
    });
    return { id };
  },
);
