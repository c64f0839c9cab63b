/**
 * @file What a method decides that compares transitions of images: its loss. Whoever trains it does
 * the rest.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import type { Clip } from './clip-form';

export interface PairLossInputs {
  /** ln π_θ of each image's transition, [1, images]. */
  logProbability: Value;
  /** ln π_ref of the same transitions, [1, images]. */
  referenceLogProbability: Value;
  /**
   * h: +1 at the winner, −1 at the loser, 0 elsewhere, [pairs, images]. An image may stand in many
   * pairs.
   */
  preference: Value;
  /** Weight of each pair, [pairs]: agreement of its annotators. */
  weight: Value;
  /** s: the probability that each pair's label is wrong, [pairs]; 0 unless given. */
  smoothing?: Value;
  /** v_t of each image's step, [1, images]; 1 unless given. */
  timestepWeight?: Value;
  /** x_t' less its mean, of each image's transition, [images, C, H, W]: for a cap on losers. */
  residual?: Value;
  /** What the policy and its reference say, guided, of each image, [images, C, H, W]. */
  output?: Value;
  referenceOutput?: Value;
  /** Of a loss that is `ofFinished`. */
  finished?: FinishedInputs;
  /** Marks a value through which no gradient flows. */
  hold?(value: Value): Value;
}

/** What each transition led to in the end. */
export interface FinishedInputs {
  /** x_0 of each image, [images, C, H, W]. */
  latents: Value;
  /** Which way x̂0 moves with the output, +1 or −1, [1, images]. */
  sign: Value;
}

export interface PairLoss {
  /** Its name, for sessions and errors. */
  name: string;
  /**
   * Appends the loss (a scalar, the weighted mean over pairs) and each pair's own, unweighted,
   * [pairs]; where it has ratios of its own in place of those of transitions, their logarithms,
   * [pairs, images].
   */
  append(b: Builder, inputs: PairLossInputs): { loss: Value; pairLoss: Value; logRatio?: Value };
  /** Whether it takes the finished latents of images, too. */
  ofFinished?: boolean;
  /** What bounds the ratios; undefined where nothing does. */
  clip: Clip | undefined;
}
