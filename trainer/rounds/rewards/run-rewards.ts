/**
 * @file The rewards that a run names, opened for its pipeline. The judge is none of them: nothing
 * here can reach it.
 */

import { getBlob } from '@/db/blobs/blobs';
import { getRewardModel, type RewardModel } from '@/db/rewards/reward-models';
import { AppError } from '@/lib/errors';
import { isAnalytic, type RewardTerm, type RewardTrial, rewardModelName } from '@/lib/rewards';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { analytic } from '@/trainer/rewards/analytic';
import { combine, type Term } from '@/trainer/rewards/combine';
import { openImportedReward } from '@/trainer/rewards/imported/open';
import { type FeatureNetworks, openFeatureNetworks } from '@/trainer/rewards/learned/features';
import { parseHead } from '@/trainer/rewards/learned/head';
import { learnedReward } from '@/trainer/rewards/learned/learned-reward';
import type { Reward } from '@/trainer/rewards/reward';
import type { Engine } from '@/trainer/runtime/engine';
import { knownFilesHash } from '../../known-hash';
import type { PolicyModel } from '../pipelines/resolve';

/** Of a round's starting policy, by the name a run gives a reward. */
export type RewardScales = RewardTrial['scales'];

export interface RewardContext {
  engine: Engine;
  start: PolicyModel;
  /** Text embedding of a prompt, [tokens, width]. */
  encode: (prompt: string) => Promise<Conditioning>;
}

/** One reward out of a run's terms. @param scales of those that are normalized */
export async function openRewards(
  context: RewardContext,
  terms: readonly RewardTerm[],
  scales: RewardScales,
): Promise<Reward> {
  return combine(await openTerms(context, terms, scales));
}

/** The terms one by one. */
export async function openTerms(
  context: RewardContext,
  terms: readonly RewardTerm[],
  scales: RewardScales,
): Promise<Term[]> {
  let networks: Promise<FeatureNetworks> | undefined;
  const open = async (model: string): Promise<Reward> => {
    if (isAnalytic(model)) return analytic[model];
    const found = await getRewardModel(model);
    if (found.source === 'imported') return openImported(context.engine, found);
    networks ??= openFeatureNetworks(context.start.pipeline);
    return openLearned(context, found, await networks);
  };
  const opened: Term[] = [];
  for (const { model, weight, hinge, normalize } of terms) {
    opened.push({
      reward: await open(model),
      weight,
      ...(hinge !== null && { hinge }),
      ...(normalize && { normalize: scaleOf(model, scales) }),
    });
  }
  return opened;
}

function scaleOf(model: string, scales: RewardScales) {
  const scale = scales[model];
  if (scale) return scale;
  throw new Error(`The reward "${model}" is to be normalized, but was not measured.`);
}

async function openLearned(
  { start: { pipelineHash }, encode }: RewardContext,
  model: RewardModel,
  networks: FeatureNetworks,
): Promise<Reward> {
  const name = rewardModelName(model);
  if (!model.blob) throw notReady(name, model);
  const head = parseHead(
    await getBlob(model.blob),
    `The reward model "${name}" (blob ${model.blob})`,
  );
  if (head.pipelineHash !== pipelineHash) {
    throw new AppError(
      'unprocessable',
      `The reward model "${name}" reads features of another pipeline (hash ${head.pipelineHash.slice(0, 12)}, not ${pipelineHash.slice(0, 12)}). Train one for this pipeline.`,
    );
  }
  return learnedReward(`${name} (${model.blob.slice(0, 8)})`, head, networks, encode);
}

/** What scores must be what was looked at when it was imported. */
async function openImported(engine: Engine, model: RewardModel): Promise<Reward> {
  const { folder, imported } = model;
  if (!folder || !imported) throw notReady(rewardModelName(model), model);
  const reward = await openImportedReward(engine, folder, knownFilesHash);
  if (reward.name === imported.name) return reward;
  await reward.release?.();
  throw new AppError(
    'unprocessable',
    `The files in ${folder} are ${reward.name} now, but ${imported.name} was imported. Put the former files back, or import the folder again and start a new run.`,
  );
}

function notReady(name: string, { state }: RewardModel): AppError {
  return new AppError(
    'unprocessable',
    `The reward model "${name}" is ${state}, not ready. Choose another.`,
  );
}
