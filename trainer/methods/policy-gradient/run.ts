/**
 * @file One run of the policy-gradient graph: transitions of drawn images in its rows, and what
 * they showed.
 */

import { type DenoiseShape, denoiserFeeds } from '@/trainer/diffusion/denoise/inputs';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { stepFeeds } from '@/trainer/diffusion/sampling/transition';
import type { StepCoefficients } from '@/trainer/diffusion/schedulers/scheduler';
import type { Graph } from '@/trainer/graph/model';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';
import { outputOf } from '@/trainer/runtime/engine';
import { NonFiniteError } from '../optimizer/non-finite';
import type { Row } from '../transitions/examples';
import type { DrawnImage } from './draw';
import type { PolicyGradientMethod } from './method';

/** What one transition showed. */
export interface TransitionReport {
  timestep: number;
  loss: number;
  /** ln ρ, a mean over latent elements. */
  logRatio: number;
  /** Whether ρ lies outside the clip range. */
  clipped: boolean;
  kl: number;
}

/** A draw with the advantage of each image at each step. */
export interface WeighedDraw {
  images: readonly DrawnImage[];
  advantages: readonly ArrayLike<number>[];
}

/**
 * Feeds of a run but for the trained tensors. A run is always full: rows that only fill it up
 * repeat the first and have no share. @param total transitions of the whole optimizer step, over
 * which the loss is a mean
 */
export function runFeeds(
  { images, advantages }: WeighedDraw,
  rows: readonly Row[],
  coefficients: (timestepIndex: number) => StepCoefficients,
  {
    denoiser,
    shape,
    emptyContext,
    total,
  }: { denoiser: Graph; shape: DenoiseShape; emptyContext: Conditioning; total: number },
): Record<string, Tensor> {
  const [first] = rows as [Row];
  const full = Array.from({ length: shape.images }, (_, row) => rows[row] ?? first);
  const drawn = full.map(({ example }) => images[example]!);
  const of = <Value>(read: (image: DrawnImage, step: number) => Value) =>
    drawn.map((image, i) => read(image, full[i]!.timestepIndex));
  const stacked = (read: (image: DrawnImage, step: number) => Float32Array) =>
    float32([shape.images, ...shape.latent], concatenated(of(read)));
  const numbers = (read: (row: Row) => number) => float32([shape.images], full.map(read));
  const steps = full.map(({ timestepIndex }) => coefficients(timestepIndex));
  return {
    ...stepFeeds(steps),
    ...denoiserFeeds(denoiser, shape, {
      latents: concatenated(of(({ states }, step) => states[step]!)),
      timesteps: steps.map(({ timestep }) => timestep),
      contexts: of(({ context }) => context),
      emptyContext,
    }),
    nextLatents: stacked(({ states }, step) => states[step + 1]!),
    referenceOutput: stacked(({ reference }, step) => reference[step]!),
    oldLogProbability: numbers(
      ({ example, timestepIndex }) => images[example]!.logProbabilities[timestepIndex]!,
    ),
    advantage: numbers(({ example, timestepIndex }) => advantages[example]![timestepIndex]!),
    share: float32(
      [shape.images],
      full.map((_, row) => (row < rows.length ? 1 / total : 0)),
    ),
  };
}

/** Reads what a run showed. @param step the optimizer step it belongs to, for errors */
export function reportRun(
  { images }: WeighedDraw,
  rows: readonly Row[],
  timesteps: readonly number[],
  out: Record<string, Tensor>,
  { clipRange, kl }: PolicyGradientMethod,
  step: number,
): TransitionReport[] {
  const read = (name: string) => outputOf(out, name, 'float32').data;
  const [current, losses, distances] = [
    read('logProbability'),
    read('transitionLoss'),
    read('outputDistance'),
  ];
  return rows.map(({ example, timestepIndex }, row) => {
    const timestep = timesteps[timestepIndex]!;
    const old = images[example]!.logProbabilities[timestepIndex]!;
    const logRatio = current[row]! - old;
    if (!Number.isFinite(logRatio)) {
      throw new NonFiniteError(
        `Training produced ${logRatio} as log-ratio at t = ${timestep} in step ${step}. Lower the learning rate, or start from an earlier policy.`,
      );
    }
    return {
      timestep,
      loss: losses[row]!,
      logRatio,
      clipped: Math.abs(Math.exp(logRatio) - 1) > clipRange,
      kl: kl === 'ratio' ? logRatio ** 2 / 2 : distances[row]!,
    };
  });
}
