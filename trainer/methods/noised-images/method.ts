/**
 * @file What a method decides that asks how well a policy denoises finished images: what an example
 * is, and its loss.
 */
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Builder, Value } from '@/trainer/graph/builder';
import type { Tensor } from '@/trainer/graph/tensor';

/** Finished images of one prompt that are noised alike: a pair, the winner first, or one image. */
export interface NoisedExample {
  /** x_0 of each, C · H · W numbers. */
  images: readonly Float32Array[];
  /** Of the prompt. */
  context: Conditioning;
  /** Factor on its loss. */
  weight: number;
  /** Only of single images: whether people called it good. */
  good?: boolean;
  /** Only of single images: the share of its comparisons that it won, in [0, 1]. */
  grade?: number;
  /** Only of single images: what the method makes of its grade among those of its group. */
  advantage?: number;
  /** Only of single images: tells its group from others of the step. */
  group?: number;
}

/** An example in a run; `weight` is its share of the mean over the whole step. */
export type Weighed = Omit<NoisedExample, 'images' | 'context'>;

/** What a loss may be made of: of each image of a run. */
export interface Denoised {
  /** m_θ − m_ref, the mean squared error beyond the reference policy's, [images]. */
  excess: Value;
  /** What the policy and its reference say, and what is true, [images, C, H, W]. */
  output: Value;
  reference: Value;
  target: Value;
  /** What the old policy says, [images, C, H, W]; only of a method that has one. */
  old?: Value;
  /** k of |x̂0 − x_0| = k·|output − target|, [images, 1, 1, 1]. */
  spread: Value;
  /** The value as a constant: no gradient flows through it. */
  hold(value: Value): Value;
  /** Says the unweighted loss of each place, [places], where it does not follow from the excess. */
  tell(losses: Value): void;
}

export interface NoisedImagesMethod {
  imagesPerExample: number;
  /**
   * A copy of the trained tensors that follows them: how much of it remains after optimizer step
   * `step`, counted from 1. It starts as what training starts from.
   */
  oldDecay?(step: number): number;
  /** What a group's grades, each in [0, 1], say of its images beside each other. */
  advantages?(grades: readonly number[]): number[];
  /**
   * A number of each example that its loss takes, that follows from m_θ − m_ref of all images of a
   * step, and through which no gradient flows. A method that has it goes over its images twice.
   */
  baselines?(excess: readonly (readonly number[])[], examples: readonly Weighed[]): number[];
  /** Declares what the loss takes, `examples` places of it, and appends the loss, a scalar. */
  append(b: Builder, denoised: Denoised, examples: number): Value;
  /** Feeds of what was declared; places beyond the examples weigh nothing. */
  feeds(
    examples: readonly Weighed[],
    places: number,
    baselines: readonly number[],
  ): Record<string, Tensor>;
  /**
   * How strongly the policy says like the people, and the unweighted loss unless the graph tells
   * it: of one example, by its images' excesses.
   */
  read(
    excess: readonly number[],
    example: Weighed,
    baseline: number,
  ): { margin: number; loss?: number };
}

/** The examples' weights, and zeros for the places that are left, [places]. */
export function weightsOf(examples: readonly Weighed[], places: number): Float32Array {
  const weights = new Float32Array(places);
  for (const [i, { weight }] of examples.entries()) weights[i] = weight;
  return weights;
}

/** The examples' advantages, and zeros for the places that are left, [places]. */
export function advantagesOf(examples: readonly Weighed[], places: number): Float32Array {
  const advantages = new Float32Array(places);
  for (const [i, { advantage = 0 }] of examples.entries()) advantages[i] = advantage;
  return advantages;
}
