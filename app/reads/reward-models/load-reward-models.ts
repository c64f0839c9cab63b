import { materialOf } from '@/db/figures/material';
import { namesOf } from '@/db/people/list';
import { listPipelines } from '@/db/policies/list';
import { listRewardModels } from '@/db/rewards/reward-models';
import { learnedSources, materialProblem, rewardModelName } from '@/lib/rewards';
import type { Material, RewardsView } from '../../api/reward-models/schema';

/**
 * The reward models of one pipeline, newest first; without a choice, of the one whose base came
 * first.
 */
export async function loadRewardModels(wanted?: string): Promise<RewardsView> {
  const pipelines = await listPipelines();
  const pipeline = pipelines.find((name) => name === wanted) ?? pipelines[0] ?? null;
  if (pipeline === null) return { pipelines, pipeline, models: [], material: [] };
  const models = await listRewardModels({ pipeline });
  const names = await namesOf(models.map(({ createdBy }) => createdBy));
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
      createdBy: names.get(model.createdBy ?? '') ?? null,
      createdAt: model.createdAt,
    })),
    material: await materialIn(pipeline),
  };
}

async function materialIn(pipeline: string): Promise<Material[]> {
  const material = await materialOf(pipeline, Date.now());
  return learnedSources.map((source) => {
    const { decided, annotators } = material[source];
    return { source, decided, annotators, problem: materialProblem(source, material[source]) };
  });
}
