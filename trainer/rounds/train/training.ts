/** @file What the work of training needs to know of a method. */
import type { Round } from '@/db/schema/rounds';
import type { Method } from '@/lib/methods';
import type { TrainMetrics } from '@/lib/metrics';
import type { TrainState } from '@/trainer/methods/optimizer/optimizer';
import type { Engine } from '@/trainer/runtime/engine';
import type { PolicyModel } from '../pipelines/resolve';
import type { WeightsKind } from './policy-file';

/** What one step showed: the mean, and each timestep by itself. */
export interface StepMetrics {
  mean: TrainMetrics;
  timesteps: { timestep: number; metrics: TrainMetrics }[];
}

/**
 * A method at work on one round, step by step: one of the optimizer's, or as many as a method takes
 * together. Step k depends on the state and on k alone, so that a resumed round goes on alike.
 */
export interface Training {
  /** Steps in all. */
  steps: number;
  /** What is trained; goes into the policy file. */
  kind: WeightsKind;
  /** Sha256 of everything trained on, in order. */
  dataHash: string;
  /** Where training starts. */
  initial: TrainState;
  load(state: TrainState): Promise<void>;
  /** Takes step `index`, counted from 0. */
  step(index: number): Promise<StepMetrics>;
  /**
   * What the last step trained on shows after it: metrics of a step are taken before it. Not given
   * where a step draws anew.
   */
  after?(): Promise<TrainMetrics | undefined>;
  state(): Promise<TrainState>;
  close(): Promise<void>;
}

export interface TrainingContext<Of extends Method = Method> {
  engine: Engine;
  round: Round;
  /** The policy the round started from. */
  start: PolicyModel;
  method: Of;
}

/** The way from a round's frozen answers, or from a reward, to steps. */
export type OpenTraining<Of extends Method> = (context: TrainingContext<Of>) => Promise<Training>;
