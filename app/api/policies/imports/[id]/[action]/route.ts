import { z } from 'zod';
import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { cancelPipelineImport, retryPipelineImport } from '@/db/policies/pipeline-imports';
import { type ImportAction, importActions } from '../../schema';

const operations: Record<ImportAction, (id: string, actorId: string) => Promise<void>> = {
  cancel: cancelPipelineImport,
  retry: retryPipelineImport,
};

const paramsSchema = idParamsSchema.extend({ action: z.enum(importActions) });

/** Cancels an import, or tries one again that failed. */
export const POST = route(
  { needs: 'policies.import', params: paramsSchema, limit: manageLimit },
  async ({ person, params: { id, action } }) => operations[action](id, person.id),
);
