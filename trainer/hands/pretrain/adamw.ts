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

/**
 * What one step multiplies by. The moments are kept as plain sums (first' = beta1·first + g), which saves two products
 * per weight; these numbers make up for it.
 */
export interface AdamWScalars {
  /** Factor on first / (sqrt(second) + epsilon): learning rate, both bias corrections, both sums' scales. */
  rate: number;
  /** Factor on decaying weights. */
  keep: number;
  /** Epsilon in the scale of the plain second sum. */
  epsilon: number;
}

/** The scalars of step `step`, counted from 1. */
export function adamWScalars(
  { beta1, beta2, epsilon, weightDecay }: AdamWSettings,
  learningRate: number,
  step: number,
): AdamWScalars {
  const secondScale = Math.sqrt((1 - beta2 ** step) / (1 - beta2));
  return {
    rate: (learningRate * secondScale * (1 - beta1)) / (1 - beta1 ** step),
    keep: 1 - learningRate * weightDecay,
    epsilon: epsilon * secondScale,
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
  const nextFirst = b.add(b.scale(first, beta1), clipped);
  const nextSecond = b.add(b.scale(second, beta2), b.mul(clipped, clipped));
  const spread = b.add(b.op('Sqrt', [nextSecond]), scalars.epsilon);
  const step = b.mul(b.div(nextFirst, spread), scalars.rate);
  const decays = b.dims(weight).length > 1;
  const kept = decays ? b.mul(weight, scalars.keep) : weight;
  return { weight: b.sub(kept, step), first: nextFirst, second: nextSecond };
}
