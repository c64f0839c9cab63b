import { declaredBy } from '@/db/policies/declared';
import { basePolicies, listPipelines, policyNames, servedFor } from '@/db/policies/list';
import type { Policy } from '@/db/policies/policies';
import { listRewardModels, type RewardModel } from '@/db/rewards/reward-models';
import { measurementText } from '@/lib/pipeline-imports';
import { rewardModelName } from '@/lib/rewards';
import { type ImageSize, type KnownSizes, knownSizes } from '@/lib/settings/image-sizes';
import { officialName, type Presets, presetsOf } from '@/lib/settings/presets';
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
  /** What a run may be called. */
  suggestedRunName: string | null;
  /** One of the presets. */
  suggestedPreset: string;
  /** By name: the official one and those of the pipeline. */
  presets: Presets;
  sizes: KnownSizes;
  /** What its import measured at sizes, in words. */
  measuredSizes: MeasuredChoice[];
  /** Those that are ready, newest first. */
  rewardModels: { id: string; name: string; hint: string }[];
}

/** A size and what drawing at it takes. */
export interface MeasuredChoice extends ImageSize {
  hint: string;
}

/** Every pipeline that has a policy, the oldest first. */
export async function pipelineChoices(): Promise<PipelineChoice[]> {
  const [pipelines, bases, rewardModels] = await Promise.all([
    listPipelines(),
    basePolicies(),
    listRewardModels({ states: ['ready'] }),
  ]);
  return Promise.all(pipelines.map((pipeline) => choiceOf(pipeline, bases, rewardModels)));
}

async function choiceOf(
  pipeline: string,
  bases: readonly Policy[],
  rewardModels: readonly RewardModel[],
): Promise<PipelineChoice> {
  const own = await policyNames(pipeline);
  const base = bases.findLast((policy) => policy.pipeline === pipeline);
  const serving = await servedFor(pipeline);
  const { description, suggestedPrompts, suggestedEvaluationPrompts, ...said } =
    base?.manifest ?? {};
  const presets = presetsOf((await declaredBy(pipeline)).presets);
  const { suggestedRunName = null, suggestedPreset = officialName } = said;
  return {
    pipeline,
    description: description ?? null,
    servingName: serving?.policy.name ?? null,
    policies: own,
    suggestedPrompts: suggestedPrompts ?? [],
    suggestedEvaluationPrompts: suggestedEvaluationPrompts ?? [],
    suggestedRunName,
    suggestedPreset: Object.hasOwn(presets, suggestedPreset) ? suggestedPreset : officialName,
    presets,
    sizes: knownSizes(base?.manifest ?? {}),
    measuredSizes: (base?.manifest.found?.measured.sizes ?? []).map(
      ({ width, height, drawing }) => ({ width, height, hint: measurementText(drawing) }),
    ),
    rewardModels: rewardModels
      .filter((model) => model.pipeline === pipeline)
      .map((model) => ({ id: model.id, name: rewardModelName(model), hint: hintOf(model) })),
  };
}

function hintOf({ report, imported, source }: RewardModel): string {
  if (!report) return imported?.name ?? '';
  const { heldOut, examples } = report;
  return `Learned from ${plural(examples, source === 'picks' ? 'pick' : 'image')}; right on ${percent(heldOut.count / heldOut.n, 0)} of held-out answers.`;
}
