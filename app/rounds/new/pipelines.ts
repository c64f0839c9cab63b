import { listAliases } from '@/db/aliases';
import { listPolicies } from '@/db/policies';
import { listRewardModels, type RewardModel } from '@/db/reward-models';
import { servingAlias } from '@/lib/policies';
import { rewardModelName } from '@/lib/rewards';
import { type PresetName, presetsOf } from '@/lib/settings/presets';
import { percent, plural } from '../../components/figures/format';

/** A pipeline that a run may train, with what its base policy suggests for a first one. */
export interface PipelineChoice {
  pipeline: string;
  description: string | null;
  servingName: string | null;
  /** Newest first. */
  policies: { id: string; name: string }[];
  suggestedPrompts: string[];
  suggestedEvaluationPrompts: string[];
  suggestedPreset: PresetName;
  /** Those that are ready, newest first. */
  rewardModels: { id: string; name: string; hint: string }[];
}

/** Every pipeline that has a policy, the oldest first. */
export async function pipelineChoices(): Promise<PipelineChoice[]> {
  const [policies, aliases, rewardModels] = await Promise.all([
    listPolicies(),
    listAliases(),
    listRewardModels({ states: ['ready'] }),
  ]);
  const pipelines = [...new Set(policies.map(({ pipeline }) => pipeline))];
  return pipelines.map((pipeline) => {
    const own = policies.filter((policy) => policy.pipeline === pipeline);
    const base = own.findLast(({ adapterBlob }) => adapterBlob === null);
    const serving = aliases.find(({ name }) => name === servingAlias(pipeline));
    const { description, suggestedPrompts, suggestedEvaluationPrompts, suggestedPreset } =
      base?.manifest ?? {};
    return {
      pipeline,
      description: description ?? null,
      servingName: own.find(({ id }) => id === serving?.policyId)?.name ?? null,
      policies: own.map(({ id, name }) => ({ id, name })).reverse(),
      suggestedPrompts: suggestedPrompts ?? [],
      suggestedEvaluationPrompts: suggestedEvaluationPrompts ?? [],
      suggestedPreset: presetsOf(pipeline).find((name) => name === suggestedPreset) ?? 'official',
      rewardModels: rewardModels
        .filter((model) => model.pipeline === pipeline)
        .map((model) => ({ id: model.id, name: rewardModelName(model), hint: hintOf(model) })),
    };
  });
}

function hintOf({ report, imported }: RewardModel): string {
  if (!report) return imported?.name ?? '';
  const { heldOut, examples } = report;
  return `Learned from ${plural(examples, 'example')}; right on ${percent(heldOut.count / heldOut.n, 0)} of held-out answers.`;
}
