import { z } from 'zod';
import { idParamsSchema } from '@/app/api/id-params';
import { annotatorActions } from '@/app/api/review/schema';
import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { pausePerson, resumePerson } from '@/db/people/users';

const operations = { pause: pausePerson, resume: resumePerson };

const paramsSchema = idParamsSchema.extend({ action: z.enum(annotatorActions) });

/** Holds back an annotator's answers from training, or lets them count again. */
export const POST = route(
  { needs: 'annotators.pause', params: paramsSchema, limit: manageLimit },
  async ({ person, params: { id, action } }) => operations[action](id, person.id),
);
