/**
 * @file The training graph of step pairs: one x_t a row, of which both next latents are weighed, so
 * the network runs once.
 */

import { gradients, holding } from '@/trainer/autodiff/gradients';
import { withinMemory } from '@/trainer/autodiff/plan';
import { type DenoiseShape, denoiserFeeds } from '@/trainer/diffusion/denoise/inputs';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import {
  appendLogProbability,
  appendMean,
  appendTransitionKl,
  stepFeeds,
  stepInputs,
} from '@/trainer/diffusion/sampling/transition';
import type { StepCoefficients } from '@/trainer/diffusion/schedulers/scheduler';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';
import { outputOf } from '@/trainer/runtime/engine';
import { appendAccumulation, type SecondMoment } from '../optimizer/accumulation';
import { NonFiniteError } from '../optimizer/non-finite';
import { declareGuidedPolicy } from '../policy/guided-policy';
import type { Trainable } from '../policy/trainable';
import { isClipped } from '../transitions/clip-form';
import type { PairLoss } from '../transitions/pair-loss';
import type { TransitionReport } from '../transitions/run';
import type { TransitionStepShape } from '../transitions/transition-step';
import type { StepPair } from './draw';

/** What the graph tells of each row. */
export const stepOutputs = ['pairLoss', 'logRatioWinner', 'logRatioLoser', 'kl'];

/**
 * Inputs: `latents`, `winner`, `loser`, `referenceOutput` [images, C, H, W], `share` [images] (of
 * each pair in the step's mean), `timestep`, `context`, `emptyContext`, the step's numbers, the
 * trained tensors and the sums so far. Outputs: `stepOutputs`, all [images], and the sums with this
 * run's gradient added.
 */
export function buildSpoStep(
  trainable: Trainable,
  shape: TransitionStepShape,
  loss: PairLoss,
  secondMoment: SecondMoment,
): Graph {
  return withinMemory(trainable.memoryBytes, (recompute) => {
    const b = new Builder('spo-step');
    const { images, latent, clip } = shape;
    const { weights, sample, output } = declareGuidedPolicy(b, trainable, shape, 'trained');
    const latents = (name: string) => b.input(name, 'float32', [images, ...latent]);
    const step = stepInputs(b, images);
    const mean = appendMean(b, step, sample, output, clip);
    const referenceMean = appendMean(b, step, sample, latents('referenceOutput'), clip);
    const sides = [latents('winner'), latents('loser')];
    const ofBoth = (at: string) =>
      sides.map((next) => b.reshape(appendLogProbability(b, step, next, at), [1, images]));
    const [current, before] = [ofBoth(mean), ofBoth(referenceMean)];
    const identity = Array.from({ length: 2 * images ** 2 }, (_, i) => {
      const [row, column] = [Math.floor(i / (2 * images)), i % (2 * images)];
      return Number(column === row) - Number(column === row + images);
    });
    const { held, hold } = holding();
    const { pairLoss } = loss.append(b, {
      logProbability: b.concat(current, 1),
      referenceLogProbability: b.concat(before, 1),
      preference: b.tensor(float32([images, 2 * images], identity)),
      weight: b.scalar(1),
      residual: b.concat(
        sides.map((next) => b.sub(next, mean)),
        0,
      ),
      hold,
    });
    const total = b.reduceSum(b.mul(pairLoss, b.input('share', 'float32', [images])), [0], false);
    const found = gradients(b, { of: total, wrt: weights, stop: held, recompute });
    b.output(pairLoss, 'pairLoss');
    for (const [side, name] of (['logRatioWinner', 'logRatioLoser'] as const).entries()) {
      const ratio = b.sub(current[side]!, before[side]!);
      b.output(b.reshape(ratio, [images]), name);
    }
    b.output(appendTransitionKl(b, step, mean, referenceMean), 'kl');
    appendAccumulation(b, weights, found, secondMoment);
    return b;
  });
}

/**
 * Feeds of a run but for the trained tensors. A run is always full: rows that only fill it up
 * repeat the first and have no share. @param total pairs of the whole optimizer step
 */
export function spoFeeds(
  pairs: readonly StepPair[],
  coefficients: (timestepIndex: number) => StepCoefficients,
  {
    denoiser,
    shape,
    emptyContext,
    total,
  }: { denoiser: Graph; shape: DenoiseShape; emptyContext: Conditioning; total: number },
): Record<string, Tensor> {
  const full = Array.from(
    { length: shape.images },
    (_, row) => pairs[row] ?? pairs[0],
  ) as StepPair[];
  const stacked = (read: (pair: StepPair) => Float32Array) =>
    float32([shape.images, ...shape.latent], concatenated(full.map(read)));
  const steps = full.map(({ timestepIndex }) => coefficients(timestepIndex));
  return {
    ...stepFeeds(steps),
    ...denoiserFeeds(denoiser, shape, {
      latents: concatenated(full.map(({ sample }) => sample)),
      timesteps: steps.map(({ timestep }) => timestep),
      contexts: full.map(({ context }) => context),
      emptyContext,
    }),
    winner: stacked(({ winner }) => winner),
    loser: stacked(({ loser }) => loser),
    referenceOutput: stacked(({ reference }) => reference),
    share: float32(
      [shape.images],
      full.map((_, row) => (row < pairs.length ? 1 / total : 0)),
    ),
  };
}

/** What one pair showed. */
export type StepPairReport = Omit<TransitionReport, 'example'>;

/** Reads what a run showed. @param step the optimizer step it belongs to, for errors */
export function reportPairs(
  pairs: readonly StepPair[],
  timesteps: readonly number[],
  out: Record<string, Tensor>,
  { clip }: PairLoss,
  step: number,
): StepPairReport[] {
  const [losses, winners, losers, kls] = stepOutputs.map(
    (name) => outputOf(out, name, 'float32').data,
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  return pairs.map(({ timestepIndex }, row) => {
    const timestep = timesteps[timestepIndex]!;
    const [winner, loser] = [winners[row]!, losers[row]!];
    if (!Number.isFinite(winner) || !Number.isFinite(loser)) {
      throw new NonFiniteError(
        `Training produced ${winner} and ${loser} as log-ratios at t = ${timestep} in step ${step}. Lower the learning rate, or start from an earlier policy.`,
      );
    }
    const clipped = [isClipped(winner, 'winner', clip), isClipped(loser, 'loser', clip)];
    return {
      timestepIndex,
      timestep,
      loss: losses[row]!,
      logRatioWinner: winner,
      logRatioLoser: loser,
      clipFraction: clipped.filter(Boolean).length / 2,
      kl: kls[row]!,
    };
  });
}
