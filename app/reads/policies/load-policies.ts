import { declaredJudge } from '@/db/policies/declared';
import { drawingOf, measuredDrawings } from '@/db/policies/drawings';
import {
  isBaseOf,
  isOfPipeline,
  type ListedPolicy,
  listedPolicies,
  listPipelines,
  policiesPage,
  servedFor,
} from '@/db/policies/list';
import { measurementsOf } from '@/db/rounds/measurements';
import { type DeclaredJudge, defectsOf } from '@/lib/judges/judging';
import type { PoliciesQuery, PoliciesView, PolicyNode } from '../../api/policies/schema';
import { chosenDrawing, showDrawings } from '../evaluations/drawings';
import { showEvaluation } from '../evaluations/show';

/**
 * The newest versions of one pipeline, or those before one of them; without a choice, of the
 * pipeline whose base came first.
 */
export async function loadPolicies({
  pipeline: wanted,
  drawing: wantedDrawing,
  before,
  limit = 25,
}: PoliciesQuery = {}): Promise<PoliciesView> {
  const pipelines = await listPipelines();
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) {
    return {
      pipelines,
      pipeline,
      policies: [],
      total: 0,
      earlier: null,
      serving: null,
      defects: [],
      drawings: [],
      drawing: null,
    };
  }
  const { policies, ...rest } = await policiesPage({
    which: isOfPipeline(pipeline),
    before,
    limit,
  });
  const judge = await declaredJudge(pipeline);
  const drawings = await measuredDrawings(pipeline);
  const drawing = chosenDrawing(drawings, wantedDrawing);
  // What all others come from is in sight, however many rounds ago it was.
  const bases = before === undefined ? await listedPolicies(isBaseOf(pipeline)) : [];
  const shown = new Set(policies.map(({ id }) => id));
  return {
    pipelines,
    pipeline,
    policies: await describe(
      [...bases.filter(({ id }) => !shown.has(id)), ...policies],
      judge,
      drawing,
    ),
    ...rest,
    serving: await servedFor(pipeline),
    defects: defectsOf(judge).map(({ id, label }) => ({ id, label })),
    drawings: showDrawings(drawings),
    drawing: drawing ?? null,
  };
}

/**
 * Policies of one pipeline with what was measured of them, in the words of its judge.
 * @param drawing on images that were drawn so; without it as the round that made each drew them
 */
async function describe(
  policies: readonly ListedPolicy[],
  judge: DeclaredJudge | null,
  drawing?: string,
): Promise<PolicyNode[]> {
  const measured = await measurementsOf(
    policies.map(({ id, roundId, parentId }) => ({
      policyId: id,
      roundId,
      ...(drawing && { drawing: drawingOf({ parentId }, drawing) }),
    })),
  );
  return policies.map(({ roundId: _, ...policy }, i) => ({
    ...policy,
    measured: showEvaluation(measured[i] ?? null, judge),
  }));
}
