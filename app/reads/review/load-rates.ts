import { judgeAgreement } from '@/db/figures/judge-agreement';
import { defectRates, firstAndNewestRates, type PolicyDefects } from '@/db/figures/review';
import { declaredJudge } from '@/db/policies/declared';
import { listPipelines } from '@/db/policies/list';
import type { Policy } from '@/db/policies/policies';
import { measuredBy } from '@/db/rounds/measurements';
import type { Evaluation } from '@/db/rounds/metrics';
import { importedName } from '@/lib/judges/imported';
import { type CountedKind, type DeclaredJudge, defectsOf, kindsOf } from '@/lib/judges/judging';
import type { EvaluationSummary } from '@/lib/metrics';
import type { JudgeView, PolicyRates, RatesPageQuery, RatesView } from '../../api/review/schema';
import { measuredIn } from '../rounds/summaries';

/**
 * Defect rates of the newest versions of a pipeline, or of those before one of them; oldest first.
 */
export async function loadRates({
  pipeline: wanted,
  purpose,
  before,
  limit = 30,
}: RatesPageQuery): Promise<RatesView> {
  const pipelines = await listPipelines();
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) {
    return { pipelines, pipeline, judged: [], judge: null, rates: [], total: 0, earlier: null };
  }
  const judge = await declaredJudge(pipeline);
  const { rates, ...rest } = await defectRates({
    pipeline,
    purpose: purpose === 'any' ? undefined : purpose,
    before,
    limit,
  });
  const judged = kindsOf(judge);
  return {
    pipelines,
    pipeline,
    judged,
    judge: judge && (await showJudge(pipeline, judge)),
    rates: await besideParents(rates, judge),
    ...rest,
  };
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
export async function loadFirstAndNewest(): Promise<Pick<RatesView, 'judged' | 'rates'>> {
  const [pipeline] = await listPipelines();
  if (pipeline === undefined) return { judged: [], rates: [] };
  const judge = await declaredJudge(pipeline);
  const rates = await firstAndNewestRates({ pipeline, purpose: 'evaluation' });
  return { judged: kindsOf(judge), rates: await besideParents(rates, judge) };
}

async function besideParents(
  rates: readonly PolicyDefects[],
  judge: DeclaredJudge | null,
): Promise<PolicyRates[]> {
  const policies = rates.map(({ policy }) => policy);
  const evaluations = await measuredBy(
    policies.flatMap(({ roundId }) => roundId ?? []),
    policies.flatMap(({ id, parentId }) => [id, ...(parentId === null ? [] : [parentId])]),
  );
  const compared = againstParents(policies, evaluations);
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

/** By version, those that a round has measured beside their parent. */
export function againstParents(
  policies: readonly Pick<Policy, 'id' | 'parentId' | 'roundId'>[],
  evaluations: readonly Evaluation[],
): Map<string, AgainstParent> {
  const found = new Map<string, AgainstParent>();
  for (const { id, parentId, roundId } of policies) {
    const before = measuredIn(evaluations, parentId, roundId);
    const after = measuredIn(evaluations, id, roundId);
    if (before && after) found.set(id, { before: before.summary, after: after.summary });
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
