/**
 * @file What a run's rewards say of the evaluation images of the policies that a round compares.
 */
import type { Round } from '@/db/schema/rounds';
import { pairedImages } from '@/lib/metrics';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Engine } from '@/trainer/runtime/engine';
import type { PolicyModel } from '../pipelines/resolve';
import { openRewards } from '../rewards/run-rewards';
import { openScores, type Scores } from '../rewards/score-images';
import { scalesOf } from '../rewards/try-rewards';
import type { EvaluatedPolicy } from './images';

/** A round's rewards, ready to score images of one size. */
export interface RoundRewards extends Scores {
  name: string;
}

/** Opens the rewards of a round. @param start the policy that it started from */
export async function openRoundRewards(
  engine: Engine,
  round: Pick<Round, 'config' | 'manifest'>,
  start: PolicyModel,
): Promise<RoundRewards> {
  const encoder = await PromptEncoder.open(engine, start.pipeline);
  const encode = (prompt: string) => encoder.encode(prompt);
  const { rewards } = round.config;
  const reward = await openRewards({ engine, start, encode }, rewards, scalesOf(round));
  const scores = openScores(engine, reward);
  return {
    name: reward.name,
    score: scores.score,
    async release() {
      await scores.release();
      await reward.release?.();
      await encoder.release();
    },
  };
}

/** Scores by sample, of the first images of a policy. */
export function pairedScores(
  { planned }: Pick<EvaluatedPolicy, 'planned'>,
  scores: readonly number[],
): Record<string, number> {
  // As many digits as a page shows: a summary is no archive.
  const rounded = planned
    .slice(0, pairedImages)
    .map(({ id }, i) => [id, Number(scores[i]!.toPrecision(4))]);
  return Object.fromEntries(rounded);
}
