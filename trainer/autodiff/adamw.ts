/**
 * @file AdamW as graph nodes: Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (arXiv
 * 1711.05101), with the conventions of torch.optim.AdamW and torch.nn.utils.clip_grad_norm_.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32, type Tensor } from '@/trainer/graph/tensor';

export interface AdamWSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Gradients are scaled down to this global L2 norm; undefined leaves them as they are. */
  maxGradNorm?: number;
}

/** One trained tensor: its value, its gradient and both moments. All share one shape. */
export interface Trained {
  value: Value;
  gradient: Value;
  firstMoment: Value;
  secondMoment: Value;
  /** What the second moment is of, where it is not the squared gradient. */
  squares?: Value;
  /** False where weight decay spares it, as is usual for biases and scales. */
  decays?: boolean;
}

export interface AdamWStep {
  /** New value and moments, in the order of the tensors given. */
  updated: { value: Value; firstMoment: Value; secondMoment: Value }[];
  /** Global L2 norm of the gradients before clipping, a scalar. */
  gradNorm: Value;
}

/** Names of the scalar inputs that change from step to step. */
const scalars = ['learningRate', 'biasCorrection1', 'biasCorrection2'] as const;

/** Feeds of the scalar inputs for optimizer step `step` (counted from 1). */
export function adamWFeeds(
  step: number,
  learningRate: number,
  settings: AdamWSettings,
): Record<string, Tensor> {
  return {
    learningRate: float32([], [learningRate]),
    biasCorrection1: float32([], [1 - settings.beta1 ** step]),
    biasCorrection2: float32([], [1 - settings.beta2 ** step]),
  };
}

/** Global L2 norm √Σ‖g‖² of gradients, a scalar. */
export function globalNorm(b: Builder, gradients: readonly Value[]): Value {
  const squares = gradients.map((g) => b.op('ReduceSumSquare', [g], { keepdims: 0 }));
  return b.op('Sqrt', [squares.reduce((sum, square) => b.add(sum, square))]);
}

/**
 * Appends one AdamW update of every tensor. Adds the scalar inputs `learningRate`,
 * `biasCorrection1`, `biasCorrection2`: feed them with `adamWFeeds`.
 */
export function appendAdamW(
  b: Builder,
  trained: readonly Trained[],
  settings: AdamWSettings,
): AdamWStep {
  const [rate, correction1, correction2] = scalars.map((name) => b.input(name, 'float32', [])) as [
    Value,
    Value,
    Value,
  ];
  const gradNorm = globalNorm(
    b,
    trained.map((t) => t.gradient),
  );
  const one = b.scalar(1);
  const clip =
    settings.maxGradNorm === undefined
      ? undefined
      : b.op('Min', [one, b.div(b.scalar(settings.maxGradNorm), b.add(gradNorm, b.scalar(1e-6)))]);
  const keep = b.sub(one, b.scale(rate, settings.weightDecay));
  const stepSize = b.div(rate, correction1);
  const rootCorrection2 = b.op('Sqrt', [correction2]);
  const updated = trained.map((t) => {
    const clipped = (value: Value) => (clip ? b.mul(value, clip) : value);
    const g = clipped(t.gradient);
    const squares = t.squares ? clipped(clipped(t.squares)) : b.mul(g, g);
    const firstMoment = b.add(
      b.scale(t.firstMoment, settings.beta1),
      b.scale(g, 1 - settings.beta1),
    );
    const secondMoment = b.add(
      b.scale(t.secondMoment, settings.beta2),
      b.scale(squares, 1 - settings.beta2),
    );
    const deviation = b.add(
      b.div(b.op('Sqrt', [secondMoment]), rootCorrection2),
      b.scalar(settings.epsilon),
    );
    const kept = t.decays === false ? t.value : b.mul(t.value, keep);
    const value = b.sub(kept, b.mul(b.div(firstMoment, deviation), stepSize));
    return { value, firstMoment, secondMoment };
  });
  return { updated, gradNorm };
}
