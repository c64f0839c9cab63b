/** @file Rewards as they come from a model: none of them may be NaN or infinite. */
import { NonFiniteError } from '../optimizer/non-finite';

/** The rewards, if all are finite. @throws NonFiniteError that names the reward */
export function finiteRewards(name: string, rewards: Float32Array): Float32Array {
  const broken = rewards.find((reward) => !Number.isFinite(reward));
  if (broken === undefined) return rewards;
  throw new NonFiniteError(
    `The reward "${name}" gave ${broken} for an image. Use another reward model, or start from an earlier policy.`,
  );
}
