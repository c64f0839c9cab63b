import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { labelProgress } from '@/db/labeling/progress';
import { submitTagging } from '@/db/labeling/taggings';
import { daySchema, type Outcome, taggingRequestSchema } from '../schema';

const outcomes = {
  accepted: 'counted',
  undone: 'counted',
  'already-tagged': 'already-answered',
  'group-complete': 'pair-complete',
  taken: 'taken',
  withdrawn: 'withdrawn',
} as const;

/** Stores which images of a group are bad. Sending the same id again changes nothing. */
export const POST = route(
  { needs: 'label', body: taggingRequestSchema, query: daySchema, limit: labelLimit },
  async ({ person, body, query }): Promise<Outcome> => {
    const { status } = await submitTagging({ ...body, annotatorId: person.id });
    return { outcome: outcomes[status], progress: await labelProgress(person.id, query) };
  },
);
