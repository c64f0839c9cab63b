import { judgeAgreement } from '@/db/figures/judge-agreement';
import { defectRates, firstAndNewestRates, type PolicyDefects } from '@/db/figures/review';
import { declaredJudge } from '@/db/policies/declared';
import { measuredDrawings } from '@/db/policies/drawings';
import { listPipelines } from '@/db/policies/list';
import type { Policy } from '@/db/policies/policies';
import { measuredBy } from '@/db/rounds/measurements';
import type { Evaluation } from '@/db/rounds/metrics';
import { baseDrawing } from '@/lib/drawings';
import { flagDescriptions } from '@/lib/flags';
import { importedName } from '@/lib/judges/imported';
import { type CountedKind, type DeclaredJudge, defectsOf, kindsOf } from '@/lib/judges/judging';
import type { EvaluationSummary } from '@/lib/metrics';
import type { DrawingRef } from '../../api/evaluations/schema';
import type { JudgeView, PolicyRates, RatesPageQuery, RatesView } from '../../api/review/schema';
import { chosenDrawing, showDrawings } from '../evaluations/drawings';
import { measuredIn } from '../rounds/summaries';

/**
 * Defect rates of the newest versions of a pipeline, or of those before one of them; oldest first.
 */
export async function loadRates({
  pipeline: wanted,
  purpose,
  drawing: wantedDrawing,
  before,
  limit = 30,
}: RatesPageQuery): Promise<RatesView> {
  const pipelines = await listPipelines();
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) {
    const nothing = { judged: [], judge: null, rates: [], drawings: [], drawing: null };
    return { pipelines, pipeline, ...nothing, total: 0, earlier: null };
  }
  const judge = await declaredJudge(pipeline);
  const measured = await measuredDrawings(pipeline);
  // What people label is never annealed.
  const drawings = purpose === 'training' ? [...new Set(measured.map(baseDrawing))] : measured;
  const drawing = chosenDrawing(drawings, wantedDrawing);
  const { rates, ...rest } = await defectRates({
    pipeline,
    purpose: purpose === 'any' ? undefined : purpose,
    drawing,
    before,
    limit,
  });
  const judged = namedKinds(judge);
  return {
    pipelines,
    pipeline,
    judged,
    judge: judge && (await showJudge(pipeline, judge)),
    rates: await besideParents(rates, judge, drawing),
    drawings: showDrawings(drawings),
    drawing: drawing ?? null,
    ...rest,
  };
}

/** A kind of flag as other pages call what the judge measures, where that is one thing. */
function namedKinds(judge: DeclaredJudge | null): RatesView['judged'] {
  return kindsOf(judge).map((kind) => {
    const [defect, another] = defectsOf(judge).filter(({ countsAs }) => countsAs === kind);
    return { kind, label: defect && !another ? defect.label : flagDescriptions[kind].label };
  });
}

async function showJudge(pipeline: string, judge: DeclaredJudge): Promise<JudgeView> {
  const { imported } = judge;
  // A judge of the pipeline's own never changes its name; its older verdicts count, too.
  const name = imported && importedName(imported);
  return {
    parts: (imported ?? []).map(({ networks, ...part }) => part),
    agreement: await Promise.all(
      kindsOf(judge).map(async (kind) => ({
        kind,
        marked: await judgeAgreement(pipeline, kind, name),
      })),
    ),
  };
}

/**
 * The rates of the first version and of the newest, on evaluation images; one where there is one.
 */
export async function loadFirstAndNewest(): Promise<
  Pick<RatesView, 'judged' | 'rates'> & { drawing: DrawingRef | null }
> {
  const [pipeline] = await listPipelines();
  if (pipeline === undefined) return { judged: [], rates: [], drawing: null };
  const judge = await declaredJudge(pipeline);
  const [drawing] = await measuredDrawings(pipeline);
  const rates = await firstAndNewestRates({ pipeline, purpose: 'evaluation', drawing });
  const [shown = null] = drawing === undefined ? [] : showDrawings([drawing]);
  return {
    judged: namedKinds(judge),
    rates: await besideParents(rates, judge, drawing),
    drawing: shown,
  };
}

async function besideParents(
  rates: readonly PolicyDefects[],
  judge: DeclaredJudge | null,
  drawing: string | undefined,
): Promise<PolicyRates[]> {
  const policies = rates.map(({ policy }) => policy);
  const evaluations = await measuredBy(
    policies.flatMap(({ roundId }) => roundId ?? []),
    policies.flatMap(({ id, parentId }) => [id, ...(parentId === null ? [] : [parentId])]),
  );
  const compared = againstParents(policies, evaluations, drawing);
  return rates.map(({ policy, images, hand, nsfw }) => ({
    policy: { id: policy.id, name: policy.name, parentId: policy.parentId },
    images,
    hand,
    nsfw,
    againstParent: byKind(compared.get(policy.id), judge),
  }));
}

/**
 * A version and its parent as the round that made it measured them: drawn alike, on the same
 * prompts and seeds.
 */
export interface AgainstParent {
  before: EvaluationSummary;
  after: EvaluationSummary;
}

/**
 * By version, those that a round has measured beside their parent. @param drawing on images that
 * were drawn so; without it however the round drew both
 */
export function againstParents(
  policies: readonly Pick<Policy, 'id' | 'parentId' | 'roundId'>[],
  evaluations: readonly Evaluation[],
  drawing?: string,
): Map<string, AgainstParent> {
  const found = new Map<string, AgainstParent>();
  for (const { id, parentId, roundId } of policies) {
    const before = measuredIn(evaluations, parentId, roundId);
    const after = measuredIn(evaluations, id, roundId);
    const isSo = drawing === undefined || (after?.drawing ?? drawing) === drawing;
    if (before && after && isSo) found.set(id, { before: before.summary, after: after.summary });
  }
  return found;
}

function byKind(
  compared: AgainstParent | undefined,
  judge: DeclaredJudge | null,
): PolicyRates['againstParent'] {
  if (!compared) return null;
  const of = (kind: CountedKind) => {
    const [defect, another] = defectsOf(judge).filter(({ countsAs }) => countsAs === kind);
    const before = defect && compared.before.defects[defect.id];
    const after = defect && compared.after.defects[defect.id];
    // An image may have several defects of one kind: their rates do not add up to the kind's.
    return before && after && !another ? { before, after } : null;
  };
  return { hand: of('hand'), nsfw: of('nsfw') };
}
