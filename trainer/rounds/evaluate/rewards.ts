/** @file What a run's rewards say of the evaluation images of the policies that a round compares. */
import type { Round } from '@/db/schema/rounds';
import { pairedImages } from '@/lib/metrics';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Engine } from '@/trainer/runtime/engine';
import { openPolicy } from '../pipelines/resolve';
import { openRewards } from '../rewards/run-rewards';
import { scoresOf } from '../rewards/score-images';
import { scalesOf } from '../rewards/try-rewards';
import { type ComparedPolicies, type EvaluatedPolicy, imagesOf } from './images';

export interface ComparedRewards {
  name: string;
  before: Float32Array;
  after: Float32Array;
  /** By sample, of the first images of every policy compared. */
  paired: Record<string, number>;
}

/** Scores all images before and after, and those of the base. */
export async function compareRewards(
  engine: Engine,
  round: Round,
  { before, after, base }: ComparedPolicies,
): Promise<ComparedRewards> {
  const start = await openPolicy(round.startPolicyId);
  const encoder = await PromptEncoder.open(engine, start.pipeline);
  const encode = (prompt: string) => encoder.encode(prompt);
  const { rewards } = round.config;
  const reward = await openRewards({ engine, start, encode }, rewards, scalesOf(round));
  const paired: Record<string, number> = {};
  const score = async (policy: EvaluatedPolicy) => {
    const scores = await scoresOf(engine, reward, await imagesOf(policy));
    for (const [i, { id }] of policy.planned.slice(0, pairedImages).entries()) {
      // As many digits as a page shows: a summary is no archive.
      paired[id] = Number((scores[i] as number).toPrecision(4));
    }
    return scores;
  };
  try {
    if (base) await score(base);
    return {
      name: reward.name,
      before: await score(before),
      after: await score(after),
      paired,
    };
  } finally {
    await reward.release?.();
    await encoder.release();
  }
}
