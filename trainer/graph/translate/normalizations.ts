/**
 * @file Normalizations of newer operator sets and of ONNX Runtime, by those of opset 18. Source:
 * onnx/onnx (docs/Operators.md) and microsoft/onnxruntime (docs/ContribOperators.md).
 */
import type { Value } from '../builder';
import { sizeOf } from '../tensor';
import { swish } from './activations';
import type { Scope, Translation } from './scope';

/** x over the root of its mean square over the axes from `axis` on, times a scale. */
export function rmsNorm(s: Scope, x: Value, scale: Value, axis: number, epsilon: number): Value {
  return s.b.mul(s.b.mul(x, inverseRms(s, x, axis, epsilon)), scale);
}

function inverseRms(s: Scope, x: Value, axis: number, epsilon: number): Value {
  const axes = s.b.dims(x).flatMap((_, i) => (i >= axis ? [i] : []));
  const mean = s.b.add(s.b.reduceMean(s.squared(x), axes), s.scalar(epsilon));
  return s.op('Reciprocal', [s.op('Sqrt', [mean])]);
}

const rmsNormalization: Translation = (s) => [
  rmsNorm(s, s.x(0), s.x(1), s.axis('axis', -1), s.float('epsilon', 1e-5)),
];

/** The part of ONNX Runtime's that gives 1/rms, too. */
const simplifiedLayerNormalization: Translation = (s) => {
  const axis = s.axis('axis', -1);
  const inverse = inverseRms(s, s.x(0), axis, s.float('epsilon', 1e-5));
  return [s.b.mul(s.b.mul(s.x(0), inverse), s.x(1)), inverse].slice(0, s.node.outputs.length);
};

/**
 * Groups of channels normalized as one: an instance norm of the groups, as exporters write it.
 * @param x [n, channels, …]
 */
export function groupNorm(s: Scope, x: Value, groups: number, epsilon: number): Value {
  const { b } = s;
  const dims = b.dims(x);
  const channels = dims[1]!;
  if (channels % groups !== 0) s.fail(`${channels} channels do not fall into ${groups} groups`);
  const grouped = b.reshape(x, [dims[0]!, groups, sizeOf(dims.slice(1)) / groups]);
  const plain = [grouped, s.filled([groups], 1), s.filled([groups], 0)];
  return b.reshape(b.op('InstanceNormalization', plain, { epsilon }), dims);
}

/** Scale and bias come per group until opset 20, per channel since. */
const groupNormalization: Translation = (s) => {
  const { b } = s;
  const [, channels, ...spatial] = s.dims(0) as [number, number, ...number[]];
  const groups = s.int('num_groups', 1);
  const normal = groupNorm(s, s.x(0), groups, s.float('epsilon', 1e-5));
  const perChannel = (value: Value) => {
    const own = s.opset < 21 ? repeated(s, value, groups, channels / groups) : value;
    return b.reshape(own, [1, channels, ...spatial.map(() => 1)]);
  };
  return [b.add(b.mul(normal, perChannel(s.x(1))), perChannel(s.x(2)))];
};

/** Each of `count` numbers `times` times in a row. */
function repeated(s: Scope, value: Value, count: number, times: number): Value {
  return s.b.expand(s.b.reshape(value, [count, 1]), [count, times]);
}

/** ONNX Runtime's, channels last: group norm and, where asked, SiLU. */
function channelsLastGroupNorm(s: Scope, x: Value): Value {
  const { b } = s;
  const rank = b.dims(x).length;
  const last = s.int('channels_last', 1) === 1;
  const toFirst = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
  const toLast = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
  const first = last ? b.transpose(x, toFirst) : x;
  const normal = groupNorm(s, first, s.int('groups', 1), s.float('epsilon', 1e-5));
  const channels = b.dims(first)[1]!;
  const perChannel = (input: number) =>
    b.reshape(s.x(input), [1, channels, ...Array.from({ length: rank - 2 }, () => 1)]);
  const scaled = b.add(b.mul(normal, perChannel(1)), perChannel(2));
  const active = s.int('activation', 0) === 1 ? swish(s, scaled, 1) : scaled;
  return last ? b.transpose(active, toLast) : active;
}

/** Input, skip and bias added before the norm; the sum is the second output. */
const skipGroupNorm: Translation = (s) => {
  const { b } = s;
  const [n, channels] = [s.dims(3)[0]!, s.dims(3).at(-1) as number];
  const skip = s.dims(3).length === 4 ? s.x(3) : b.reshape(s.x(3), [n, 1, 1, channels]);
  const sum = b.add(b.add(s.x(0), skip), s.has(4) ? s.x(4) : s.scalar(0));
  return [channelsLastGroupNorm(s, sum), sum].slice(0, s.node.outputs.length);
};

/** Input, skip and bias added before a layer norm; the sum is the fourth output. */
const skipNorm =
  (simplified: boolean): Translation =>
  (s) => {
    const { b } = s;
    // The simplified form has no β.
    const bias = simplified ? 3 : 4;
    const both = b.add(s.x(0), s.x(1));
    const sum = s.has(bias) ? b.add(both, s.x(bias)) : both;
    if (s.gives(1) || s.gives(2)) s.fail('its mean and deviation are asked for');
    const epsilon = s.float('epsilon', 1e-12);
    const axis = b.dims(sum).length - 1;
    const beta = !simplified && s.has(3) ? [s.x(3)] : [];
    const normal = simplified
      ? rmsNorm(s, sum, s.x(2), axis, epsilon)
      : b.op('LayerNormalization', [sum, s.x(2), ...beta], { axis: -1, epsilon });
    return [normal, '', '', sum].slice(0, s.node.outputs.length);
  };

/** x over its norm of order p along an axis; where that is 0, 0. */
const lpNormalization: Translation = (s) => {
  const { b } = s;
  const axis = s.axis('axis', -1);
  const p = s.int('p', 2);
  if (p !== 1 && p !== 2) s.fail(`its norm is of order ${p}`);
  const norm = b.op(p === 1 ? 'ReduceL1' : 'ReduceL2', [s.x(0), b.ints([axis])]);
  const none = b.op('Equal', [norm, s.scalar(0)]);
  return [b.div(s.x(0), b.where(none, s.scalar(1), norm))];
};

export const normalizations: Record<string, Translation> = {
  GroupNormalization: groupNormalization,
  RMSNormalization: rmsNormalization,
  LpNormalization: lpNormalization,
  // ONNX Runtime writes this one into the standard domain.
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
};

export const fusedNormalizations: Record<string, Translation> = {
  GroupNorm: (s) => [channelsLastGroupNorm(s, s.x(0))],
  SkipGroupNorm: skipGroupNorm,
  SkipLayerNormalization: skipNorm(false),
  SkipSimplifiedLayerNormalization: skipNorm(true),
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  LayerNormalization: (s) => s.as({}),
};
