import { z } from 'zod';
import { pausePerson, resumePerson } from '@/db/users';
import { route } from '../../../../../http/define-route';
import { manageLimit } from '../../../../../http/rate-limit';
import { idParamsSchema } from '../../../../id-params';
import { annotatorActions } from '../../../schema';

const operations = { pause: pausePerson, resume: resumePerson };

const paramsSchema = idParamsSchema.extend({ action: z.enum(annotatorActions) });

/** Holds back an annotator's answers from training, or lets them count again. */
export const POST = route(
  { needs: 'annotators.pause', params: paramsSchema, limit: manageLimit },
  async ({ person, params: { id, action } }) => operations[action](id, person.id),
);
