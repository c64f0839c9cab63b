/**
 * @file What a reward model is to a method: a score of images that a graph can compute and
 * differentiate.
 */
import type { PromptMeasure } from '@/lib/text/prompt-cuts';
import type { Builder, Value } from '@/trainer/graph/builder';
import type { Tensor } from '@/trainer/graph/tensor';

export interface Reward {
  /** Name and version; scores of different versions are never compared. */
  name: string;
  /**
   * Appends the scores [n] of `images` [n, 3, H, W] in [0, 1]. What it takes of the prompts it
   * declares as graph inputs, which `feeds` fills. External data it names by absolute path (see
   * trainer/graph/onnx/external-data).
   */
  append(b: Builder, images: Value): Value;
  /** The same score, with each term's own [n] where it has several, and its spread if it knows. */
  appendParts?(b: Builder, images: Value): ScoredParts;
  /** Feeds of those inputs for one prompt per image. */
  feeds(prompts: readonly string[]): Promise<Record<string, Tensor>>;
  /** Where scores of ordinary images lie, [low, high]. */
  expected?: readonly [number, number];
  /** How much of a prompt it reads; undefined where it reads none, or what the policy reads. */
  measure?: PromptMeasure;
  /** Frees what `feeds` needs. */
  release?(): Promise<void>;
}

export interface ScoredParts {
  score: Value;
  /** Each term's score before weight, hinge and scale, by the term's name. */
  parts: Record<string, Value>;
  /** Standard error of the score, [n]; 0 of what is known for certain, left out where unknown. */
  spread?: Value;
}

/**
 * A reward that cannot be opened or used: names the model, the file or the value, and the remedy.
 */
export class RewardError extends Error {
  override name = 'RewardError';
}

/** Appends a reward's score, its terms' where it has any, and its spread where it knows it. */
export function appendScored(reward: Reward, b: Builder, images: Value): ScoredParts {
  return reward.appendParts?.(b, images) ?? { score: reward.append(b, images), parts: {} };
}

/** A reward that asks nothing of the prompt. */
export function ofPixels(name: string, append: (b: Builder, images: Value) => Value): Reward {
  return { name, append, feeds: async () => ({}) };
}
