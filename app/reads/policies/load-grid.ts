import { declaredJudge } from '@/db/policies/declared';
import { firstPolicy, isOfPipeline, policiesPage } from '@/db/policies/list';
import { evaluationFrames } from '@/db/rounds/evaluation-frames';
import { defectsOf } from '@/lib/judges/judging';
import type { PolicyGrid } from '../../api/policies/schema';
import { showFrame } from '../images/show';

const rowsPerPage = 6;

/** More columns than a screen holds are no comparison: the base, and the newest of the others. */
const columnsMax = 8;

/** One page of the grid: the same prompts and seeds as every version draws them. */
export async function loadGrid({
  pipeline,
  drawing,
  offset,
}: {
  pipeline: string;
  /** How the images are drawn, a key; without one, however. */
  drawing?: string;
  offset: number;
}): Promise<PolicyGrid> {
  const judge = await declaredJudge(pipeline);
  const which = isOfPipeline(pipeline);
  const { policies: newest } = await policiesPage({ which, limit: columnsMax });
  const first = await firstPolicy(which);
  const isThere = first && newest.some(({ id }) => id === first.id);
  const shown = first && !isThere ? [first, ...newest.slice(1)] : newest;
  const frames = await evaluationFrames({
    policyIds: shown.map(({ id }) => id),
    limit: rowsPerPage + 1,
    offset,
    drawing,
  });
  return {
    policies: shown.map(({ id, name, parentId }) => ({ id, name, parentId })),
    lookedFor: defectsOf(judge).map(({ lookedFor }) => lookedFor),
    frames: frames.slice(0, rowsPerPage).map((frame) => showFrame(frame, judge)),
    next: frames.length > rowsPerPage ? offset + rowsPerPage : null,
  };
}
