import { z } from 'zod';
import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { cancelRun, resumeRun } from '@/db/rounds/runs';
import { type RunAction, runActions } from '../../schema';

const operations: Record<RunAction, (id: string, actorId: string) => Promise<void>> = {
  resume: resumeRun,
  cancel: cancelRun,
};

const paramsSchema = idParamsSchema.extend({ action: z.enum(runActions) });

/** Goes on with a run that has stopped, or ends it for good. */
export const POST = route(
  { needs: 'rounds.manage', params: paramsSchema, limit: manageLimit },
  async ({ person, params: { id, action } }) => operations[action](id, person.id),
);
