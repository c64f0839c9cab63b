import { z } from 'zod';
import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { closeLabeling } from '@/db/rounds/advance';
import { cancelRound, pauseRound, resumeRound, retryRound } from '@/db/rounds/rounds';
import { type RoundAction, roundActions } from '../../schema';

const operations: Record<RoundAction, (id: string, actorId: string) => Promise<void>> = {
  pause: pauseRound,
  resume: resumeRound,
  cancel: cancelRound,
  retry: retryRound,
  'close-labeling': closeLabeling,
};

const paramsSchema = idParamsSchema.extend({ action: z.enum(roundActions) });

/** Pauses, resumes, cancels or tries a round again, or ends its labeling. */
export const POST = route(
  { needs: 'rounds.manage', params: paramsSchema, limit: manageLimit },
  async ({ person, params: { id, action } }) => operations[action](id, person.id),
);
