/** @file The rewards that a run names, opened for its pipeline. The judge is none of them: nothing here can reach it. */
import { getBlob } from '@/db/blobs';
import { getRewardModel } from '@/db/reward-models';
import { AppError } from '@/lib/errors';
import { isAnalytic, type RewardTerm } from '@/lib/rewards';
import { analytic } from '@/trainer/rewards/analytic';
import { combine, type Term } from '@/trainer/rewards/combine';
import { type FeatureNetworks, openFeatureNetworks } from '@/trainer/rewards/learned/features';
import { parseHead } from '@/trainer/rewards/learned/head';
import { learnedReward } from '@/trainer/rewards/learned/learned-reward';
import type { Reward } from '@/trainer/rewards/reward';
import type { PolicyModel } from './resolve-pipeline';

type Encode = (prompt: string) => Promise<Float32Array>;

/** One reward out of a run's terms. @param encode text embedding of a prompt, [tokens, width] */
export async function openRewards(
  terms: readonly RewardTerm[],
  start: PolicyModel,
  encode: Encode,
): Promise<Reward> {
  let networks: FeatureNetworks | undefined;
  const opened: Term[] = [];
  for (const { model, weight } of terms) {
    if (isAnalytic(model)) {
      opened.push({ reward: analytic[model], weight });
      continue;
    }
    networks ??= await openFeatureNetworks(start.pipeline);
    opened.push({ reward: await openLearned(model, start, networks, encode), weight });
  }
  return combine(opened);
}

async function openLearned(
  id: string,
  { pipelineHash }: PolicyModel,
  networks: FeatureNetworks,
  encode: Encode,
): Promise<Reward> {
  const { blob, source, version, state } = await getRewardModel(id);
  const name = `${source} ${version}`;
  if (!blob) {
    throw new AppError(
      'unprocessable',
      `The reward model "${name}" is ${state}, not ready. Choose another.`,
    );
  }
  const head = parseHead(await getBlob(blob), `The reward model "${name}" (blob ${blob})`);
  if (head.pipelineHash !== pipelineHash) {
    throw new AppError(
      'unprocessable',
      `The reward model "${name}" reads features of another pipeline (hash ${head.pipelineHash.slice(0, 12)}, not ${pipelineHash.slice(0, 12)}). Train one for this pipeline.`,
    );
  }
  return learnedReward(`${name} (${blob.slice(0, 8)})`, head, networks, encode);
}
