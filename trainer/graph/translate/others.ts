/**
 * @file Operators that are nothing but others with another name or form, from any operator set.
 * Source: onnx/onnx (docs/Operators.md).
 */
import type { Value } from '../builder';
import { einsumWithLetters } from '../einsum';
import { inferScope } from '../infer';
import { padWidths } from '../infer-structure';
import { stridesOf } from '../numbers';
import { dtypeNumber } from '../onnx/dtypes';
import { int64, sizeOf } from '../tensor';
import type { Scope, Translation } from './scope';

/** The node without attributes that mean nothing here. */
export const without =
  (...names: string[]): Translation =>
  (s) =>
    s.as({ attributes: s.attributesWithout(...names) });

/** All axes but those of images and channels. */
function spatialAxes(s: Scope): number[] {
  return s.dims(0).flatMap((_, axis) => (axis < 2 ? [] : [axis]));
}

/** Extremes of truths, since opset 20. */
const reduceTruths: Translation = (s) => {
  if (s.b.dtype(s.x(0)) !== 'bool') return s.as({});
  const numbers = s.b.cast(s.x(0), 'int32');
  const outputs = [s.b.fresh(s.node.op)];
  const [found] = s.as({ inputs: [numbers, ...s.node.inputs.slice(1)], outputs });
  return [s.b.cast(found as Value, 'bool')];
};

/** Since opset 19 a pad may go round: what stands at the other end is repeated. */
const pad: Translation = (s) => {
  const { b, node } = s;
  if (s.text('mode', 'constant') !== 'wrap') return s.as({});
  const types = node.inputs.map((name) => (name ? b.type(name) : undefined));
  const known = node.inputs.map((name) => (name ? b.constantOf(name) : undefined));
  const widths = padWidths(inferScope(b.graph, node, types, known));
  const dims = s.dims(0);
  return [
    dims.reduce((value, length, axis) => {
      const [before, after] = [widths[axis]!, widths[axis + dims.length]!];
      if (before === 0 && after === 0) return value;
      const places = Array.from({ length: length + before + after }, (_, i) => {
        const at = (i - before) % length;
        return at < 0 ? at + length : at;
      });
      return b.op('Gather', [value, b.tensor(int64([places.length], places))], { axis });
    }, s.x(0)),
  ];
};

/** Windows with holes (opset 19) are a convolution with equal weights, channel by channel. */
const averagePool: Translation = (s) => {
  const kernel = s.ints('kernel_shape') ?? s.fail('kernel_shape is missing');
  const holes = s.ints('dilations');
  const plain = s.attributesWithout('dilations');
  if (!holes || holes.every((step) => step === 1)) return s.as({ attributes: plain });
  const padded = s.ints('pads')?.some((width) => width !== 0);
  if (s.int('ceil_mode', 0) === 1 || (padded && s.int('count_include_pad', 0) === 0)) {
    s.fail('a dilated average that leaves out its padding has no form of opset 18');
  }
  const { b } = s;
  const dims = s.dims(0);
  const rows = b.reshape(s.x(0), [dims[0]! * dims[1]!, 1, ...dims.slice(2)]);
  const { count_include_pad: _, ceil_mode: __, ...attributes } = s.node.attributes;
  const weight = s.filled([1, 1, ...kernel], 1 / sizeOf(kernel));
  const outputs = [b.fresh('AveragePool')];
  const [mean] = s.as({ op: 'Conv', inputs: [rows, weight], outputs, attributes }) as [Value];
  return [b.reshape(mean, [dims[0]!, dims[1]!, ...b.dims(mean).slice(2)])];
};

/** (x − zero point)·scale, scales by tensor, along an axis, or in blocks of it (opset 21). */
const dequantizeLinear: Translation = (s) => {
  const { b } = s;
  const dims = s.dims(0);
  const dtype = b.dtype(s.x(1));
  const along = s.dims(1);
  const block = s.int('block_size', 0);
  const axis = along.length === 0 || sizeOf(along) === 1 ? 0 : s.axis('axis', 1);
  const fitted = (value: Value): Value => {
    if (sizeOf(along) === 1) return b.reshape(value, []);
    if (block === 0) {
      return b.reshape(
        value,
        dims.map((length, i) => (i === axis ? length : 1)),
      );
    }
    const apart = [...along.slice(0, axis + 1), 1, ...along.slice(axis + 1)];
    const wide = apart.map((length, i) => (i === axis + 1 ? block : length));
    const spread = along.map((length, i) => (i === axis ? length * block : length));
    const whole = b.reshape(b.expand(b.reshape(value, apart), wide), spread);
    return spread[axis] === dims[axis] ? whole : b.slice(whole, axis, 0, dims[axis]!);
  };
  const x = b.cast(s.x(0), dtype);
  const shifted = s.has(2) ? b.sub(x, fitted(b.cast(s.x(2), dtype))) : x;
  return [b.mul(shifted, fitted(s.x(1)))];
};

/** Places within each row of a batch, as places in the whole. */
const gatherND: Translation = (s) => {
  const { b } = s;
  const batch = s.int('batch_dims', 0);
  if (batch === 0) return s.as({});
  const rows = s.dims(1).slice(0, -1);
  const strides = stridesOf(rows);
  const counted = Array.from({ length: batch * sizeOf(rows) }, (_, i) => {
    const axis = i % batch;
    return Math.floor(Math.floor(i / batch) / strides[axis]!) % rows[axis]!;
  });
  const at = b.concat([b.tensor(int64([...rows, batch], counted)), s.x(1)], rows.length);
  return s.as({ inputs: [s.x(0), at], attributes: {} });
};

/** Normalized over the axes given by its own mean and deviation. */
const meanVariance: Translation = (s) => {
  const { b } = s;
  const axes = s.ints('axes') ?? [0, 2, 3];
  const centered = b.sub(s.x(0), b.reduceMean(s.x(0), axes));
  const deviation = b.op('Sqrt', [b.reduceMean(s.squared(centered), axes)]);
  return [b.div(centered, b.add(deviation, s.scalar(1e-9)))];
};

export const others: Record<string, Translation> = {
  Cast: without('saturate', 'round_mode'),
  CastLike: (s) => [s.op('Cast', [s.x(0)], { to: dtypeNumber(s.b.dtype(s.x(1))) })],
  AveragePool: averagePool,
  Pad: pad,
  DequantizeLinear: dequantizeLinear,
  GatherND: gatherND,
  MeanVarianceNormalization: meanVariance,
  ReduceMax: reduceTruths,
  ReduceMin: reduceTruths,
  GlobalMaxPool: (s) => [s.op('ReduceMax', [s.x(0), s.b.ints(spatialAxes(s))])],
  ReduceLogSum: (s) => {
    const outputs = [s.b.fresh('ReduceSum')];
    return [s.op('Log', [s.as({ op: 'ReduceSum', outputs })[0]!])];
  },
  Mean: (s) => {
    const sum = s.node.inputs.reduce((a, c) => s.b.add(a, c));
    return [s.b.scale(sum, 1 / s.node.inputs.length)];
  },
  Einsum: (s) => {
    const ranks = s.node.inputs.map((_, i) => s.dims(i).length);
    const equation = einsumWithLetters(s.text('equation', ''), ranks);
    return s.as({ attributes: { equation: { kind: 'string', value: equation } } });
  },
};
