import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { folderUnderRoot, listLoraFiles, namedRoot } from '@/db/policies/models-root';
import { requestPipelineImport } from '@/db/policies/pipeline-imports';
import { getPolicy } from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import { importOptionsSchema } from '@/lib/pipeline-imports';
import { importLoraSchema } from '../../imports/schema';

/** LoRA files under the root that the administrator names, if one is named. */
export const GET = route({ needs: 'policies.import', params: idParamsSchema }, async () => {
  const root = namedRoot();
  return { root, files: root === null ? [] : await listLoraFiles() };
});

/** Asks the trainer to take up a LoRA file as a policy of this base. */
export const POST = route(
  {
    needs: 'policies.import',
    params: idParamsSchema,
    body: importLoraSchema,
    limit: manageLimit,
  },
  async ({ person, params, body: { file, name, withoutText } }) => {
    const base = await getPolicy(params.id);
    if (base.parentId !== null) {
      throw new AppError(
        'bad-request',
        `${base.name} is no base policy, and a LoRA file changes a base. Choose the base of ${base.pipeline}.`,
      );
    }
    const upload = typeof file === 'string' ? undefined : file;
    const { id } = await requestPipelineImport({
      folder: typeof file === 'string' ? await folderUnderRoot(file) : file.name,
      options: importOptionsSchema.parse({ name, adapterOf: base.id, upload, withoutText }),
      createdBy: person.id,
    });
    return { id };
  },
);
