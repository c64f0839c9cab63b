import { startRun } from '@/db/rounds/runs';
import { route } from '../../http/define-route';
import { manageLimit } from '../../http/rate-limit';
import { startRunSchema } from './schema';

/** Starts a run and its first round; the trainer begins to draw at once. */
export const POST = route(
  { needs: 'rounds.manage', body: startRunSchema, limit: manageLimit },
  async ({ person, body }) => {
    const { run, round } = await startRun({ ...body, createdBy: person.id });
    return { runId: run.id, roundId: round.id };
  },
);
