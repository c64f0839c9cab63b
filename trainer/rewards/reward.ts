/** @file What a reward model is to a method: a score of images that a graph can compute and differentiate. */
import type { Builder, Value } from '@/trainer/graph/builder';
import type { Tensor } from '@/trainer/graph/tensor';

export interface Reward {
  /** Name and version; scores of different versions are never compared. */
  name: string;
  /**
   * Appends the scores [n] of `images` [n, 3, H, W] in [0, 1]. What it takes of the prompts it declares as graph inputs,
   * which `feeds` fills.
   */
  append(b: Builder, images: Value): Value;
  /** Feeds of those inputs for one prompt per image. */
  feeds(prompts: readonly string[]): Promise<Record<string, Tensor>>;
  /** Folder of the model's external data, where it has any. */
  externalDataFolder?: string;
}
