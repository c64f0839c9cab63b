import { z } from 'zod';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { loadImports } from '@/app/reads/policies/load-imports';
import { folderUnderRoot } from '@/db/policies/models-root';
import { requestPipelineImport } from '@/db/policies/pipeline-imports';
import { builtInImport, type ImportOptions, importOptionsSchema } from '@/lib/pipeline-imports';
import { type AskedModel, importBuiltInSchema, importModelSchema } from './schema';

/** Imports of pipelines, with how far each is. */
export const GET = route({ needs: 'policies.read' }, () => loadImports());

/** Asks the trainer to take up the pipeline in a folder under the root, or one that it makes. */
export const POST = route(
  {
    needs: 'policies.import',
    body: z.union([importModelSchema, importBuiltInSchema]),
    limit: manageLimit,
  },
  async ({ person, body }) => {
    const { id } = await requestPipelineImport({
      ...(await askedOf(body)),
      createdBy: person.id,
    });
    return { id };
  },
);

async function askedOf(asked: AskedModel): Promise<{ folder: string; options: ImportOptions }> {
  if ('builtIn' in asked) return builtInImport(asked.builtIn);
  const { below, ...options } = asked;
  return { folder: await folderUnderRoot(below), options: importOptionsSchema.parse(options) };
}
