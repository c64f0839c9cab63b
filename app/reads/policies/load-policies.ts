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
import type { PoliciesQuery, PoliciesView, PolicyNode } from '../../api/policies/schema';
import { withoutRewards } from '../rounds/summaries';

/** The newest versions of one pipeline, or those before one of them; without a choice, of the pipeline whose base came first. */
export async function loadPolicies({
  pipeline: wanted,
  before,
  limit = 25,
}: PoliciesQuery = {}): Promise<PoliciesView> {
  const pipelines = await listPipelines();
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) {
    return { pipelines, pipeline, policies: [], total: 0, earlier: null, serving: null };
  }
  const { policies, ...rest } = await policiesPage({
    which: isOfPipeline(pipeline),
    before,
    limit,
  });
  // What all others come from is in sight, however many rounds ago it was.
  const bases = before === undefined ? await listedPolicies(isBaseOf(pipeline)) : [];
  const shown = new Set(policies.map(({ id }) => id));
  return {
    pipelines,
    pipeline,
    policies: await describe([...bases.filter(({ id }) => !shown.has(id)), ...policies]),
    ...rest,
    serving: await servedFor(pipeline),
  };
}

/** Policies with what was measured of them. */
export async function describe(policies: readonly ListedPolicy[]): Promise<PolicyNode[]> {
  const measured = await measurementsOf(
    policies.map(({ id, roundId }) => ({ policyId: id, roundId })),
  );
  return policies.map(({ roundId: _, ...policy }, i) => ({
    ...policy,
    measured: withoutRewards(measured[i] ?? null),
  }));
}
