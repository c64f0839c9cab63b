import { listAliases } from '@/db/aliases';
import { listPolicies } from '@/db/policies';
import { servingAlias } from '@/lib/policies';
import { type PresetName, presets } from '@/lib/settings/presets';

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
}

/** Every pipeline that has a policy, the oldest first. */
export async function pipelineChoices(): Promise<PipelineChoice[]> {
  const [policies, aliases] = await Promise.all([listPolicies(), listAliases()]);
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
      suggestedPreset: isPreset(suggestedPreset) ? suggestedPreset : 'official',
    };
  });
}

function isPreset(name: string | undefined): name is PresetName {
  return name !== undefined && name in presets;
}
