import { listAliases } from '@/db/aliases';
import { evaluationsOf } from '@/db/metrics';
import { listPolicies, type Policy } from '@/db/policies';
import { listRounds } from '@/db/rounds';
import { listRuns } from '@/db/runs';
import { listPeople } from '@/db/users';
import { servingAlias } from '@/lib/policies';
import { measured } from '../rounds/summaries';
import type { PoliciesView, PolicyNode, Serving } from './schema';

/** The versions of one pipeline, oldest first; without a choice, of the one whose base came first. */
export async function loadPolicies(wanted?: string): Promise<PoliciesView> {
  const all = await listPolicies();
  const pipelines = [...new Set(all.map(({ pipeline }) => pipeline))];
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) return { pipelines, pipeline, policies: [], serving: null };
  const own = all.filter((policy) => policy.pipeline === pipeline);
  return {
    pipelines,
    pipeline,
    policies: await describe(own),
    serving: await servingOf(pipeline, own),
  };
}

/** Policies with the rounds they come from and what was measured of them. */
export async function describe(policies: readonly Policy[]): Promise<PolicyNode[]> {
  const [rounds, runs, evaluations, aliases] = await Promise.all([
    listRounds(),
    listRuns(),
    evaluationsOf(),
    listAliases(),
  ]);
  const served = new Set(aliases.map(({ policyId }) => policyId));
  return policies.map(({ id, name, parentId, pipeline, adapterBlob, roundId, createdAt }) => {
    const round = rounds.find((one) => one.id === roundId);
    const run = runs.find((one) => one.id === round?.runId);
    return {
      id,
      name,
      parentId,
      pipeline,
      isBase: adapterBlob === null,
      serving: served.has(id),
      round: round && run ? { id: round.id, ordinal: round.ordinal, runName: run.name } : null,
      measured: measured(evaluations, id, roundId),
      createdAt,
    };
  });
}

async function servingOf(pipeline: string, policies: readonly Policy[]): Promise<Serving | null> {
  const alias = (await listAliases()).find(({ name }) => name === servingAlias(pipeline));
  const policy = policies.find(({ id }) => id === alias?.policyId);
  if (!alias || !policy) return null;
  const people = await listPeople();
  return {
    policy: { id: policy.id, name: policy.name },
    setAt: alias.setAt,
    setBy: people.find(({ id }) => id === alias.setBy)?.name ?? null,
  };
}
