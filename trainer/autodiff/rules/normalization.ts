/**
 * @file Gradients of normalizations and softmax. With x̂ = (x − μ)/σ and h the gradient at x̂: dx =
 * (h − mean(h) − x̂·mean(h·x̂))/σ, means over what was normalized. Full tensors are passed over as
 * seldom as can be: dx = s − x̂·mean(s·x̂) − mean(s) with s = h/σ.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { epsilonOf } from '@/trainer/graph/infer';
import { intAttr } from '@/trainer/graph/model';
import { numbersOf } from '@/trainer/graph/numbers';
import { float32, sameDims, sizeOf } from '@/trainer/graph/tensor';
import { type Rule, type RuleScope, unbroadcast } from '../rule';

/** dx from h and x̂; `inverse` is 1/σ. */
function standardizedGradient(
  b: Builder,
  h: Value,
  normal: Value,
  inverse: Value,
  axes: readonly number[],
): Value {
  const scaled = b.mul(h, inverse);
  const k = b.reduceMean(b.mul(scaled, normal), axes);
  return b.sub(b.sub(scaled, b.mul(normal, k)), b.reduceMean(scaled, axes));
}

/** The same from x itself, where x̂ is not at hand: x̂ = (x − μ)/σ put in. */
function centeringGradient(
  b: Builder,
  h: Value,
  x: Value,
  mean: Value,
  inverse: Value,
  axes: readonly number[],
): Value {
  const scaled = b.mul(h, inverse);
  const average = b.reduceMean(scaled, axes);
  const covariance = b.sub(b.reduceMean(b.mul(scaled, x), axes), b.mul(mean, average));
  const slope = b.mul(b.mul(inverse, inverse), covariance);
  return b.sub(b.sub(scaled, b.mul(x, slope)), b.sub(average, b.mul(mean, slope)));
}

const layerNorm: Rule = (r) => {
  const { b } = r;
  const dims = r.dims(0);
  const axis = r.axis(intAttr(r.node, 'axis', -1), dims.length);
  const axes = dims.flatMap((_, i) => (i >= axis ? [i] : []));
  // The forward node can hand out its statistics: nothing is computed twice.
  const [, mean, inverse] = b.extendOutputs(r.node, 3) as [Value, Value, Value];
  const x = r.input(0);
  const h = () => b.mul(r.g, r.input(1));
  const normal = () => b.mul(b.sub(x, mean), inverse);
  return [
    r.needs(0) ? centeringGradient(b, h(), x, mean, inverse, axes) : undefined,
    r.needs(1) ? unbroadcast(b, b.mul(r.g, normal()), r.dims(1)) : undefined,
    r.x[2] && r.needs(2) ? unbroadcast(b, r.g, r.dims(2)) : undefined,
  ];
};

/** True for a constant whose elements all equal `value`. */
function isFilled(r: RuleScope, input: number, value: number): boolean {
  const constant = r.b.constantOf(r.input(input));
  return constant !== undefined && numbersOf(constant).every((element) => element === value);
}

/**
 * Exporters write GroupNorm as an instance norm with scale 1 and bias 0 over one group a channel.
 * Its output is x̂ itself, and as a layer norm over the same elements it hands out 1/σ, too.
 */
function plainInstanceNorm(r: RuleScope, axes: readonly number[]): Value {
  const { b } = r;
  const dims = r.dims(0).slice(2);
  const ones = b.tensor(float32(dims, new Float32Array(sizeOf(dims)).fill(1)));
  const epsilon = epsilonOf(r.node);
  // The node reads what it read, whatever the gradient reads.
  b.become(r.node, 'LayerNormalization', [r.node.inputs[0]!, ones], { axis: 2, epsilon });
  const [normal, , inverse] = b.extendOutputs(r.node, 3) as [Value, Value, Value];
  return standardizedGradient(b, r.g, normal, inverse, axes);
}

const instanceNorm: Rule = (r) => {
  const { b } = r;
  const dims = r.dims(0);
  const axes = dims.flatMap((_, i) => (i >= 2 ? [i] : []));
  const plain = isFilled(r, 1, 1) && isFilled(r, 2, 0);
  if (plain && b.dtype(r.input(0)) === 'float32') return [plainInstanceNorm(r, axes)];
  const perChannel = [1, dims[1]!, ...axes.map(() => 1)];
  const x = r.input(0);
  const mean = b.reduceMean(x, axes);
  const centered = b.sub(x, mean);
  const variance = b.reduceMean(b.mul(centered, centered), axes);
  const inverse = b.op('Reciprocal', [
    b.op('Sqrt', [b.add(variance, r.scalar(epsilonOf(r.node)))]),
  ]);
  const normal = b.mul(centered, inverse);
  const h = b.mul(r.g, b.reshape(r.input(1), perChannel));
  const sumAxes = [0, ...axes];
  return [
    r.needs(0) ? standardizedGradient(b, h, normal, inverse, axes) : undefined,
    r.needs(1) ? b.reduceSum(b.mul(r.g, normal), sumAxes, false) : undefined,
    r.needs(2) ? b.reduceSum(r.g, sumAxes, false) : undefined,
  ];
};

/** Inference form: an affine map per channel with frozen statistics. */
const batchNorm: Rule = (r) => {
  const { b } = r;
  const dims = r.dims(0);
  if (r.needs(3) || r.needs(4)) r.fail('its running statistics are not trainable');
  const perChannel = [1, dims[1]!, ...dims.slice(2).map(() => 1)];
  const inverse = b.op('Reciprocal', [
    b.op('Sqrt', [b.add(r.input(4), r.scalar(epsilonOf(r.node)))]),
  ]);
  const axes = dims.flatMap((_, i) => (i === 1 ? [] : [i]));
  const normal = () =>
    b.mul(b.sub(r.input(0), b.reshape(r.input(3), perChannel)), b.reshape(inverse, perChannel));
  return [
    r.needs(0) ? b.mul(r.g, b.reshape(b.mul(inverse, r.input(1)), perChannel)) : undefined,
    r.needs(1) ? b.reduceSum(b.mul(r.g, normal()), axes, false) : undefined,
    r.needs(2) ? b.reduceSum(r.g, axes, false) : undefined,
  ];
};

/**
 * Σ g·y over the last axis where y went into a product y·V: then g = h·Vᵀ, and the sum is Σ
 * h·(y·V), over an attention head's few channels instead of all its keys. Dao et al.,
 * "FlashAttention" (arXiv 2205.14135), appendix B.2.
 */
function rowSums(r: RuleScope): Value | undefined {
  const { b } = r;
  const y = r.y[0]!;
  const back = b.producer(r.g);
  if (back?.op !== 'MatMul') return undefined;
  const [h, turned] = back.inputs as [Value, Value];
  const forward = b.graph.nodes.find(
    ({ op, inputs }) => op === 'MatMul' && inputs[0] === y && isSwapped(b, inputs[1]!, turned),
  );
  const out = forward?.outputs[0];
  if (!out || !sameDims(b.dims(out), b.dims(h))) return undefined;
  return b.reduceSum(b.mul(h, out), [b.dims(h).length - 1]);
}

/**
 * True when the two values are transpositions of one value that differ by a swap of the last two
 * axes.
 */
function isSwapped(b: Builder, one: Value, other: Value): boolean {
  const read = (value: Value) => {
    const made = b.producer(value);
    const perm = made?.attributes.perm;
    return made?.op === 'Transpose' && perm?.kind === 'ints'
      ? { source: made.inputs[0], perm: [...perm.value] }
      : { source: value, perm: b.dims(value).map((_, axis) => axis) };
  };
  const [a, c] = [read(one), read(other)];
  a.perm.push(...a.perm.splice(-2).reverse());
  return a.source === c.source && sameDims(a.perm, c.perm);
}

/** dx = y·(g − Σ g·y). */
const softmax: Rule = (r) => {
  const { b } = r;
  const rank = r.dims(0).length;
  const axis = r.axis(intAttr(r.node, 'axis', -1), rank);
  const y = r.y[0]!;
  const sums = axis === rank - 1 ? rowSums(r) : undefined;
  if (sums) return [b.mul(y, b.sub(r.g, sums))];
  const weighted = b.mul(r.g, y);
  return [b.sub(weighted, b.mul(y, b.reduceSum(weighted, [axis])))];
};

/** dx = g − softmax·Σ g. */
const logSoftmax: Rule = (r) => {
  const { b } = r;
  const axis = r.axis(intAttr(r.node, 'axis', -1), r.dims(0).length);
  return [b.sub(r.g, b.mul(b.op('Exp', [r.y[0]!]), b.reduceSum(r.g, [axis])))];
};

export const normalization: Record<string, Rule> = {
  LayerNormalization: layerNorm,
  InstanceNormalization: instanceNorm,
  BatchNormalization: batchNorm,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};
