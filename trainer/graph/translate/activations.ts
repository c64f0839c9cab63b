/**
 * @file Activations that have a name of their own in newer operator sets or in ONNX Runtime's, by
 * their formulas. Source: onnx/onnx (docs/Operators.md) and microsoft/onnxruntime
 * (docs/ContribOperators.md).
 */
import type { Value } from '../builder';
import type { Scope, Translation } from './scope';

/** x·Φ(x), spelled as exporters spell it: the form that has a short gradient. */
export function erfGelu(s: Scope, x: Value): Value {
  const sum = s.b.add(s.op('Erf', [s.b.div(x, s.scalar(Math.SQRT2))]), s.scalar(1));
  return s.b.scale(s.b.mul(x, sum), 0.5);
}

/** ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))). */
export function tanhGelu(s: Scope, x: Value): Value {
  const cube = s.b.mul(s.squared(x), x);
  const inner = s.b.scale(s.b.add(x, s.b.scale(cube, 0.044715)), Math.sqrt(2 / Math.PI));
  return s.b.scale(s.b.mul(x, s.b.add(s.op('Tanh', [inner]), s.scalar(1))), 0.5);
}

/** x·σ(α·x); with α = 1 SiLU. */
export function swish(s: Scope, x: Value, alpha: number): Value {
  return s.b.mul(x, s.op('Sigmoid', [s.b.scale(x, alpha)]));
}

const gelu: Translation = (s) => {
  const approximate = s.text('approximate', 'none');
  if (approximate !== 'none' && approximate !== 'tanh') s.fail(`it approximates by ${approximate}`);
  return [approximate === 'tanh' ? tanhGelu(s, s.x(0)) : erfGelu(s, s.x(0))];
};

/** α·(eˣ − 1) below zero, x above. */
function elu(s: Scope, x: Value, alpha: number, inner = 1): Value {
  const zero = s.scalar(0);
  const below = s.b.sub(s.op('Exp', [s.b.scale(s.op('Min', [x, zero]), inner)]), s.scalar(1));
  return s.b.add(s.op('Max', [x, zero]), s.b.scale(below, alpha));
}

const hardSigmoid = (s: Scope, alpha: number, beta: number): Value =>
  s.op('Clip', [s.b.add(s.b.scale(s.x(0), alpha), s.scalar(beta)), s.scalar(0), s.scalar(1)]);

/** From the newer operator sets, and old ones that training meets seldom. */
export const activations: Record<string, Translation> = {
  Gelu: gelu,
  Swish: (s) => [swish(s, s.x(0), s.float('alpha', 1))],
  Mish: (s) => [s.b.mul(s.x(0), s.op('Tanh', [s.op('Softplus', [s.x(0)])]))],
  Elu: (s) => [elu(s, s.x(0), s.float('alpha', 1))],
  Celu: (s) => {
    const alpha = s.float('alpha', 1);
    return [elu(s, s.x(0), alpha, 1 / alpha)];
  },
  Selu: (s) => {
    const alpha = s.float('alpha', 1.6732632423543772);
    return [s.b.scale(elu(s, s.x(0), alpha), s.float('gamma', 1.0507009873554805))];
  },
  HardSigmoid: (s) => [hardSigmoid(s, s.float('alpha', 0.2), s.float('beta', 0.5))],
  HardSwish: (s) => [s.b.mul(s.x(0), hardSigmoid(s, 1 / 6, 0.5))],
  Softsign: (s) => [s.b.div(s.x(0), s.b.add(s.op('Abs', [s.x(0)]), s.scalar(1)))],
  PRelu: (s) => {
    const above = s.op('Max', [s.x(0), s.scalar(0)]);
    return [s.b.add(above, s.b.mul(s.op('Min', [s.x(0), s.scalar(0)]), s.x(1)))];
  },
  ThresholdedRelu: (s) => {
    const over = s.op('Greater', [s.x(0), s.scalar(s.float('alpha', 1))]);
    return [s.b.where(over, s.x(0), s.scalar(0))];
  },
};

/** x with a bias on its last axis, where there is one. */
const biased = (s: Scope): Value => (s.has(1) ? s.b.add(s.x(0), s.x(1)) : s.x(0));

/** ONNX Runtime's. */
export const fusedActivations: Record<string, Translation> = {
  Gelu: (s) => [erfGelu(s, s.x(0))],
  BiasGelu: (s) => [erfGelu(s, biased(s))],
  FastGelu: (s) => [tanhGelu(s, biased(s))],
  QuickGelu: (s) => [swish(s, s.x(0), s.float('alpha', 1.702))],
  BiasAdd: (s) => [s.b.add(s.b.add(s.x(0), s.x(1)), s.x(2))],
  BiasSplitGelu: (s) => {
    const sum = s.b.add(s.x(0), s.x(1));
    const axis = s.dims(0).length - 1;
    const half = s.dims(0)[axis]! / 2;
    const gate = s.b.slice(sum, axis, half, 2 * half);
    return [s.b.mul(s.b.slice(sum, axis, 0, half), erfGelu(s, gate))];
  },
};
