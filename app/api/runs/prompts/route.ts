import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { newestBase } from '@/db/policies/policies';
import { promptCuts } from '@/lib/text/prompt-cuts';
import { type CheckedPrompts, checkPromptsSchema } from '../schema';
import { promptMeasureOf } from './prompt-measure';

/** Which prompts are longer than a pipeline's text encoder takes. */
export const POST = route(
  { needs: 'rounds.manage', body: checkPromptsSchema, limit: manageLimit },
  async ({ body: { pipeline, prompts } }): Promise<CheckedPrompts> => {
    // Only the folders of pipelines that are known here are read.
    const measure = await promptMeasureOf(await newestBase(pipeline));
    if (!measure) return { room: null, cut: 0, first: null };
    const cuts = promptCuts(prompts, measure);
    return { room: measure.room, cut: cuts.length, first: cuts[0] ?? null };
  },
);
