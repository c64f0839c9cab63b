/**
 * @file One run of the transition graph: which image stands in which row, who is compared with
 * whom, and what it showed.
 */

import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { outputOf } from '@/trainer/runtime/engine';
import { NonFiniteError } from '../optimizer/non-finite';
import { type Clip, isClipped } from './clip-form';
import type { Example, ExampleSize, Row } from './examples';

/** One row of the graph's image inputs. */
export interface RunImage {
  trajectory: Trajectory;
  timestepIndex: number;
  context: Conditioning;
}

/** A comparison between two rows. */
export interface RunComparison extends Row {
  winner: number;
  loser: number;
  weight: number;
  smoothing: number;
}

/**
 * What one transition of one comparison showed. Log-ratios and KL are means over latent elements.
 */
export interface TransitionReport {
  example: number;
  timestepIndex: number;
  timestep: number;
  /** As the graph has it, before the comparison's weight. */
  loss: number;
  /** Before the step's weight and the clip, as is the loser's. */
  logRatioWinner: number;
  logRatioLoser: number;
  /** Ratios of the loss's own, winner's and loser's, where it has any. */
  ratios?: readonly [number, number];
  /** Share of the two images past the clip. */
  clipFraction: number;
  /** Mean over the two images. */
  kl: number;
}

/**
 * Images and comparisons of a run. A run is always full: images that only fill it up are compared
 * with none.
 */
export function fillRun(
  examples: readonly Example[],
  rows: readonly Row[],
  size: ExampleSize,
): { images: RunImage[]; comparisons: RunComparison[] } {
  const images: RunImage[] = [];
  const comparisons: RunComparison[] = [];
  for (const row of rows) {
    const { context, images: trajectories, comparisons: own } = examples[row.example]!;
    const first = images.length;
    for (const trajectory of trajectories) {
      images.push({ trajectory, timestepIndex: row.timestepIndex, context });
    }
    for (const { winner, loser, weight, smoothing = 0 } of own) {
      comparisons.push({ ...row, winner: first + winner, loser: first + loser, weight, smoothing });
    }
  }
  while (images.length < size.images) images.push(images[0]!);
  return { images, comparisons };
}

/**
 * Feeds of the loss. @param total comparisons of the whole optimizer step, over which the loss is a
 * mean
 */
export function comparisonFeeds(
  comparisons: readonly RunComparison[],
  size: ExampleSize,
  total: number,
): Record<'preference' | 'weight' | 'smoothing', Tensor> {
  const preference = new Float32Array(size.comparisons * size.images);
  const weight = new Float32Array(size.comparisons);
  const smoothing = new Float32Array(size.comparisons);
  for (const [i, comparison] of comparisons.entries()) {
    preference[i * size.images + comparison.winner] = 1;
    preference[i * size.images + comparison.loser] = -1;
    // The graph divides by its number of places, not by those that are taken in all runs.
    weight[i] = (comparison.weight * size.comparisons) / total;
    smoothing[i] = comparison.smoothing;
  }
  return {
    preference: float32([size.comparisons, size.images], preference),
    weight: float32([size.comparisons], weight),
    smoothing: float32([size.comparisons], smoothing),
  };
}

/**
 * Reads what a run showed.
 * @param timestepWeights of the run's images
 * @param step the optimizer step it belongs to, for errors
 */
export function reportTransitions(
  comparisons: readonly RunComparison[],
  timesteps: readonly number[],
  out: Record<string, Tensor>,
  {
    clip,
    timestepWeights,
    step,
  }: { clip?: Clip; timestepWeights: readonly number[]; step: number },
): TransitionReport[] {
  const current = outputOf(out, 'logProbability', 'float32').data;
  const before = outputOf(out, 'referenceLogProbability', 'float32').data;
  const kl = outputOf(out, 'kl', 'float32').data;
  const pairLoss = outputOf(out, 'pairLoss', 'float32').data;
  const own = out.logRatio && outputOf(out, 'logRatio', 'float32').data;
  return comparisons.map((comparison, i) => {
    const rows = [comparison.winner, comparison.loser] as const;
    const [winner, loser] = rows.map((row) => current[row]! - before[row]!) as [number, number];
    const timestep = timesteps[comparison.winner]!;
    if (!Number.isFinite(winner) || !Number.isFinite(loser)) {
      throw new NonFiniteError(
        `Training produced ${winner} and ${loser} as log-ratios at t = ${timestep} in step ${step}. Lower the learning rate, or start from an earlier policy.`,
      );
    }
    const ownRatio = (row: number) => Math.exp(own![i * current.length + row]!);
    const timestepWeight = timestepWeights[comparison.winner]!;
    const clipped = [
      isClipped(timestepWeight * winner, 'winner', clip),
      isClipped(timestepWeight * loser, 'loser', clip),
    ];
    return {
      example: comparison.example,
      timestepIndex: comparison.timestepIndex,
      timestep,
      loss: pairLoss[i]!,
      logRatioWinner: winner,
      logRatioLoser: loser,
      ...(own && { ratios: [ownRatio(comparison.winner), ownRatio(comparison.loser)] as const }),
      clipFraction: clipped.filter(Boolean).length / 2,
      kl: rows.reduce((sum, row) => sum + kl[row]!, 0) / 2,
    };
  });
}
