import { listPolicies } from '@/db/policies';
import { statementsOf } from '@/db/reward-data';
import { listRewardModels } from '@/db/reward-models';
import { listPeople } from '@/db/users';
import { labelsProblem, learnedSources, rewardModelName } from '@/lib/rewards';
import type { Material, RewardsView } from './schema';

/** The reward models of one pipeline, newest first; without a choice, of the one whose base came first. */
export async function loadRewardModels(wanted?: string): Promise<RewardsView> {
  const pipelines = [...new Set((await listPolicies()).map(({ pipeline }) => pipeline))];
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) return { pipelines, pipeline, models: [], material: [] };
  const [models, people] = await Promise.all([listRewardModels({ pipeline }), listPeople()]);
  return {
    pipelines,
    pipeline,
    models: models.map((model) => ({
      id: model.id,
      name: rewardModelName(model),
      source: model.source,
      state: model.state,
      report: model.report,
      imported: model.imported,
      folder: model.folder,
      error: model.error,
      createdBy: people.find(({ id }) => id === model.createdBy)?.name ?? null,
      createdAt: model.createdAt,
    })),
    material: await materialOf(pipeline),
  };
}

async function materialOf(pipeline: string): Promise<Material[]> {
  return Promise.all(
    learnedSources.map(async (source) => {
      const { statements, annotators } = await statementsOf(pipeline, source, Date.now());
      const labels = statements.map(({ label }) => label);
      const decided = labels.filter((label) => label !== 0.5).length;
      return { source, decided, annotators, problem: labelsProblem(source, labels) };
    }),
  );
}
