import { type Evaluation, evaluationsOf } from '@/db/metrics';
import { listPolicies, type Policy } from '@/db/policies';
import { defectRates } from '@/db/review';
import type { EvaluationSummary } from '@/lib/metrics';
import { measuredIn } from '../rounds/summaries';
import type { PolicyRates, RatesQuery, RatesView } from './schema';

/** Defect rates of every version of a pipeline, oldest first. */
export async function loadRates({ pipeline: wanted, purpose }: RatesQuery): Promise<RatesView> {
  const policies = await listPolicies();
  const pipelines = [...new Set(policies.map(({ pipeline }) => pipeline))];
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) return { pipelines, pipeline, rates: [] };
  const rates = await defectRates({ pipeline, purpose: purpose === 'any' ? undefined : purpose });
  const compared = againstParents(policies, await evaluationsOf());
  return {
    pipelines,
    pipeline,
    rates: rates.map(({ policy, images, hand, nsfw }) => ({
      policy: { id: policy.id, name: policy.name, parentId: policy.parentId },
      images,
      hand,
      nsfw,
      againstParent: ofDefects(compared.get(policy.id)),
    })),
  };
}

/** A version and its parent as the round that made it measured them: drawn alike, on the same prompts and seeds. */
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

function ofDefects(compared: AgainstParent | undefined): PolicyRates['againstParent'] {
  if (!compared) return null;
  const { before, after } = compared;
  return {
    hand: { before: before.deformed, after: after.deformed },
    nsfw: { before: before.blood, after: after.blood },
  };
}
