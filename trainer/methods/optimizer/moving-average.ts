/**
 * @file The moving average of trained tensors, a ← d·a + (1 − d)·w after every optimizer step:
 * Polyak & Juditsky (1992), in the exponential form that diffusion models are shipped in. With d =
 * 0.9999 alone (NeMo-Aligner's `exp_manager.ema`) a round of fifty steps would ship 99.5 % of where
 * it began; so d grows with the steps taken, as in diffusers'
 * `training_utils.py:EMAModel.get_decay`: after step s it is min(decay, s / (9 + s)), and the first
 * average is the first step's weights.
 */
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32, type Tensor } from '@/trainer/graph/tensor';

export const average = (name: string) => `average.${name}`;

/**
 * What remains of the average after optimizer step `step`, counted from 1. @param decay the most
 * that ever remains
 */
export function decayAt(step: number, decay: number): number {
  return step === 1 ? 0 : Math.min(decay, step / (9 + step));
}

/** The average of other tensors with these, of which so much remains. */
export function mixed(averages: Adapter, weights: Adapter, decay: number): Adapter {
  return new Map(
    [...averages].map(([name, { dims, data }]) => {
      const moved = weights.get(name)!.data;
      return [
        name,
        float32(
          dims,
          data.map((value, i) => decay * value + (1 - decay) * moved[i]!),
        ),
      ];
    }),
  );
}

/** Feeds of the scalar input of `appendMovingAverage` for optimizer step `step`, counted from 1. */
export function movingAverageFeeds(step: number, decay: number): Record<string, Tensor> {
  return { averageDecay: float32([], [decayAt(step, decay)]) };
}

/**
 * Input: the scalar `averageDecay`. @returns each average with the weights of this step in it, in
 * the order given
 */
export function appendMovingAverage(
  b: Builder,
  averages: readonly Value[],
  weights: readonly Value[],
): Value[] {
  const decay = b.input('averageDecay', 'float32', []);
  const share = b.sub(b.scalar(1), decay);
  return averages.map((value, i) => b.add(b.mul(value, decay), b.mul(weights[i]!, share)));
}
