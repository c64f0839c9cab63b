/**
 * @file What an image's reward is measured against: the advantage says how much better it came out
 * than was to be expected.
 */
import type { ConditioningShape } from '@/trainer/diffusion/pipelines/conditioning';
import type { Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import type { DrawnImage } from './draw';

/** Advantages of a draw's images, [images][steps], and what was seen on the way. */
export interface Weighed {
  advantages: readonly ArrayLike<number>[];
  /** Mean squared error of the value network before it learned from this draw. */
  valueLoss?: number;
}

/** What it knows of earlier draws goes into checkpoints. */
export interface Baseline {
  /** Learns from a draw and weighs it. @param random uniform in [0, 1) */
  weigh(draw: readonly DrawnImage[], random: () => number): Promise<Weighed>;
  /** Goes on from what `state` gave; from an empty map, starts afresh. */
  load(kept: ReadonlyMap<string, Tensor>): Promise<void>;
  state(): Promise<ReadonlyMap<string, Tensor>>;
  release(): Promise<void>;
}

export interface DrawSize {
  /** Images in a draw. */
  images: number;
  /** Denoising steps of an image. */
  steps: number;
  /** Latent [C, H, W]. */
  latent: readonly [number, number, number];
  context: ConditioningShape;
}

export type OpenBaseline = (engine: Engine, size: DrawSize) => Promise<Baseline>;

/** One number for all steps of an image. */
export function alike(value: number, steps: number): Float64Array {
  return new Float64Array(steps).fill(value);
}

/** The reward itself, measured against nothing. */
export const plainReward: OpenBaseline = async (_, { steps }) => ({
  weigh: async (draw) => ({ advantages: draw.map(({ reward }) => alike(reward, steps)) }),
  load: async () => {},
  state: async () => new Map(),
  release: async () => {},
});
