import { evaluationFrames } from '@/db/evaluation-frames';
import { listPolicies } from '@/db/policies';
import { showFrame } from '../images/show';
import type { PolicyGrid } from './schema';

const rowsPerPage = 6;

/** More columns than a screen holds are no comparison: the base, and the newest of the others. */
const columnsMax = 8;

/** One page of the grid: the same prompts and seeds as every version draws them. */
export async function loadGrid({
  pipeline,
  offset,
}: {
  pipeline: string;
  offset: number;
}): Promise<PolicyGrid> {
  const all = await listPolicies(pipeline);
  const shown = all.length <= columnsMax ? all : [...all.slice(0, 1), ...all.slice(1 - columnsMax)];
  const frames = await evaluationFrames({
    policyIds: shown.map(({ id }) => id),
    limit: rowsPerPage + 1,
    offset,
  });
  return {
    policies: shown.map(({ id, name, parentId }) => ({ id, name, parentId })),
    frames: frames.slice(0, rowsPerPage).map((frame) => showFrame(frame)),
    next: frames.length > rowsPerPage ? offset + rowsPerPage : null,
  };
}
