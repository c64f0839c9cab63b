import { type AgainstParent, againstParents } from '@/db/metrics';
import { listPolicies } from '@/db/policies';
import { defectRates } from '@/db/review';
import type { PolicyRates, RatesQuery, RatesView } from './schema';

/** Defect rates of every version of a pipeline, oldest first. */
export async function loadRates({ pipeline: wanted, purpose }: RatesQuery): Promise<RatesView> {
  const pipelines = [...new Set((await listPolicies()).map(({ pipeline }) => pipeline))];
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) return { pipelines, pipeline, rates: [] };
  const rates = await defectRates({ pipeline, purpose: purpose === 'any' ? undefined : purpose });
  const compared = await againstParents(pipeline);
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

function ofDefects(compared: AgainstParent | undefined): PolicyRates['againstParent'] {
  if (!compared) return null;
  const { before, after } = compared;
  return {
    hand: { before: before.deformed, after: after.deformed },
    nsfw: { before: before.blood, after: after.blood },
  };
}
