/**
 * @file AdamW (Loshchilov and Hutter 2019) as graph nodes, so that weights and moments never leave the engine. Bias
 * correction and the learning rate enter as scalars, computed outside for each step.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

export interface AdamWSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Per unit of learning rate; on matrices and kernels only, not on biases and scales. */
  weightDecay: number;
  /** Largest norm of all gradients together; larger ones are scaled down. */
  gradientNormMax: number;
}

export const ADAMW: AdamWSettings = {
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.01,
  gradientNormMax: 1,
};

/** One weight with its moments and gradient. */
export interface Moments {
  weight: Value;
  first: Value;
  second: Value;
  gradient: Value;
}

export interface AdamWScalars {
  /** Learning rate times the correction of both moments' bias. */
  rate: number;
  /** Learning rate alone, for the decay. */
  decay: number;
  /** Epsilon in the scale of the uncorrected second moment. */
  epsilon: number;
}

/** The scalars of step `step`, counted from 1. */
export function adamWScalars(
  { beta1, beta2, epsilon, weightDecay }: AdamWSettings,
  learningRate: number,
  step: number,
): AdamWScalars {
  const root = Math.sqrt(1 - beta2 ** step);
  return {
    rate: (learningRate * root) / (1 - beta1 ** step),
    decay: learningRate * weightDecay,
    epsilon: epsilon * root,
  };
}

/** Norm of all gradients together, a scalar. */
export function globalNorm(b: Builder, gradients: readonly Value[]): Value {
  const squares = gradients.map((gradient) => {
    const axes = b.dims(gradient).map((_, axis) => axis);
    return b.reshape(b.op('ReduceSumSquare', [gradient, b.ints(axes)], { keepdims: 0 }), [1]);
  });
  return b.op('Sqrt', [b.reduceSum(b.concat(squares, 0), [0], false)]);
}

/** The factor that brings gradients of norm `norm` down to at most the largest allowed one. */
export function clipFactor(b: Builder, norm: Value, { gradientNormMax }: AdamWSettings): Value {
  const limit = b.scalar(gradientNormMax);
  return b.div(limit, b.op('Max', [norm, limit]));
}

/** Appends one weight's update. @param clip factor on the gradient @returns the next weight and moments */
export function adamWUpdate(
  b: Builder,
  { beta1, beta2 }: AdamWSettings,
  { weight, first, second, gradient }: Moments,
  clip: Value,
  scalars: Record<keyof AdamWScalars, Value>,
): Omit<Moments, 'gradient'> {
  const clipped = b.mul(gradient, clip);
  const nextFirst = b.add(b.scale(first, beta1), b.scale(clipped, 1 - beta1));
  const nextSecond = b.add(b.scale(second, beta2), b.scale(b.mul(clipped, clipped), 1 - beta2));
  const scale = b.add(b.op('Sqrt', [nextSecond]), scalars.epsilon);
  const step = b.mul(b.div(nextFirst, scale), scalars.rate);
  const decays = b.dims(weight).length > 1;
  const kept = decays ? b.sub(weight, b.mul(weight, scalars.decay)) : weight;
  return { weight: b.sub(kept, step), first: nextFirst, second: nextSecond };
}
