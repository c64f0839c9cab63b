/**
 * @file TensorFlow's operators, one row each. Source: tensorflow/core/ops, and what
 * @tensorflow/tfjs-converter makes of them (`operations/executors`).
 */
import { GraphError } from '@/trainer/graph/model';
import { formatDims, sizeOf } from '@/trainer/graph/tensor';
import type { Held, Layers, Sliding } from './layers';
import type { TfNode } from './nodes';

/** A node's outputs from its inputs. */
type Rule = (l: Layers, inputs: Held[], node: TfNode) => Held | Held[];

const unary =
  (op: string): Rule =>
  (l, [x]) =>
    l.unary(op, x!);

const binary =
  (op: string): Rule =>
  (l, [x, y]) =>
    l.binary(op, x!, y!);

const activation =
  (name: string): Rule =>
  (l, [x], { attributes }) =>
    l.activate(x!, name, { alpha: attributes.alpha?.f });

const same: Rule = (_, [x]) => x!;

const reduce =
  (op: string): Rule =>
  (l, [x, axes], { attributes }) =>
    l.reduce(op, x!, l.numbers(axes!), attributes.keep_dims?.b ?? false);

function ints({ attributes }: TfNode, name: string): number[] {
  return attributes[name]?.list?.i ?? [];
}

/** Strides and padding of a node that slides over [n, height, width, channels]. */
function slidingOf(node: TfNode): Sliding {
  const { attributes } = node;
  const format = attributes.data_format?.s ?? 'NHWC';
  if (format !== 'NHWC') throw new GraphError(`its data_format is ${format}, not NHWC`);
  const pair = (name: string) => (attributes[name] ? ints(node, name).slice(1, 3) : [1, 1]);
  const padding = attributes.padding?.s ?? 'VALID';
  const explicit = ints(node, 'explicit_paddings').slice(2, 6);
  return {
    strides: pair('strides') as [number, number],
    dilations: pair('dilations') as [number, number],
    padding:
      padding === 'EXPLICIT'
        ? (explicit as [number, number, number, number])
        : padding === 'SAME'
          ? 'same'
          : 'valid',
  };
}

/** What follows within a fused node: a bias, then an activation. */
function fused(l: Layers, value: Held, rest: Held[], { attributes }: TfNode): Held {
  const names = attributes.fused_ops?.list?.s ?? [];
  const [bias, slope] = rest;
  let out = value;
  for (const name of names) {
    if (name === 'BiasAdd') out = l.binary('Add', out, bias!);
    else out = l.activate(out, name, { alpha: attributes.leakyrelu_alpha?.f, slope });
  }
  return out;
}

const conv =
  (depthwise: boolean): Rule =>
  (l, [x, filter, ...rest], node) => {
    l.expectRank(x!, 4);
    return fused(l, l.convolve(x!, l.weights(filter!), slidingOf(node), depthwise), rest, node);
  };

const pool =
  (kind: 'MaxPool' | 'AveragePool'): Rule =>
  (l, [x], node) =>
    l.pool(kind, x!, ints(node, 'ksize').slice(1, 3) as [number, number], slidingOf(node));

const matmul: Rule = (l, [x, y, ...rest], node) => {
  const { attributes } = node;
  const turned = (value: Held, isTurned: boolean | undefined): Held =>
    isTurned ? { value: l.b.transpose(l.plain(value), [1, 0]), isPlanes: false } : value;
  const product = l.dense(
    turned(x!, attributes.transpose_a?.b),
    turned(y!, attributes.transpose_b?.b),
  );
  return fused(l, product, rest, node);
};

const resize =
  (mode: 'linear' | 'nearest'): Rule =>
  (l, [x, size], { attributes }) =>
    l.resize(x!, l.numbers(size!), mode, {
      alignCorners: attributes.align_corners?.b ?? false,
      halfPixelCenters: attributes.half_pixel_centers?.b ?? false,
    });

function pairs(flat: readonly number[]): [number, number][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
}

const squeeze: Rule = (l, [x], node) => {
  const dims = l.dims(x!);
  const given = [...ints(node, 'squeeze_dims'), ...ints(node, 'axis')];
  const axes = given.map((axis) => (axis < 0 ? axis + dims.length : axis));
  const gone = (dim: number, axis: number) => (axes.length === 0 ? dim === 1 : axes.includes(axis));
  return l.reshape(
    x!,
    dims.filter((dim, axis) => !gone(dim, axis)),
  );
};

const expand: Rule = (l, [x, at]) => {
  const dims = l.dims(x!);
  const [axis = 0] = l.numbers(at!);
  return l.reshape(x!, dims.toSpliced(axis < 0 ? axis + dims.length + 1 : axis, 0, 1));
};

/** A new axis, along which the values lie one after the other. */
const pack: Rule = (l, inputs, { attributes }) => {
  const dims = l.dims(inputs[0]!);
  const given = attributes.axis?.i ?? 0;
  const axis = given < 0 ? given + dims.length + 1 : given;
  const wide = inputs.map((input) => l.reshape(input, dims.toSpliced(axis, 0, 1)));
  return l.concat(wide, axis);
};

const unpack: Rule = (l, [x], { attributes }) => {
  const dims = l.dims(x!);
  const given = attributes.axis?.i ?? 0;
  const axis = given < 0 ? given + dims.length : given;
  const value = l.plain(x!);
  return Array.from({ length: dims[axis]! }, (_, i) =>
    l.reshape(
      { value: l.b.slice(value, axis, i, i + 1), isPlanes: false },
      dims.toSpliced(axis, 1),
    ),
  );
};

const split: Rule = (l, [at, x], { attributes }) => {
  const dims = l.dims(x!);
  const [given = 0] = l.numbers(at!);
  const axis = given < 0 ? given + dims.length : given;
  const parts = attributes.num_split?.i ?? 1;
  const width = dims[axis]! / parts;
  const value = l.plain(x!);
  return Array.from({ length: parts }, (_, i) => ({
    value: l.b.slice(value, axis, i * width, (i + 1) * width),
    isPlanes: false,
  }));
};

const slice: Rule = (l, [x, begins, sizes]) => {
  const dims = l.dims(x!);
  const starts = l.numbers(begins!);
  const ends = l.numbers(sizes!).map((size, i) => (size < 0 ? dims[i]! : starts[i]! + size));
  const axes = dims.map((_, axis) => axis);
  const inputs = [l.plain(x!), l.b.ints(starts), l.b.ints(ends), l.b.ints(axes)];
  return { value: l.b.op('Slice', inputs), isPlanes: false };
};

const stridedSlice: Rule = (l, [x, begins, ends, strides], { attributes }) => {
  for (const mask of ['ellipsis_mask', 'new_axis_mask']) {
    if (attributes[mask]?.i) throw new GraphError(`its ${mask} is not 0`);
  }
  const dims = l.dims(x!);
  const steps = l.numbers(strides!);
  if (steps.some((step) => step < 0)) throw new GraphError('it goes backwards');
  const bit = (mask: string, axis: number) => (((attributes[mask]?.i ?? 0) >> axis) & 1) === 1;
  const starts = l.numbers(begins!).map((at, axis) => (bit('begin_mask', axis) ? 0 : at));
  const stops = l.numbers(ends!).map((at, axis) => {
    if (bit('end_mask', axis)) return dims[axis]!;
    return bit('shrink_axis_mask', axis) ? starts[axis]! + 1 || dims[axis]! : at;
  });
  const axes = starts.map((_, axis) => axis);
  const value = l.b.op('Slice', [
    l.plain(x!),
    ...[starts, stops, axes, steps].map((n) => l.b.ints(n)),
  ]);
  const kept = l.b.dims(value).filter((_, axis) => !bit('shrink_axis_mask', axis));
  return l.reshape({ value, isPlanes: false }, kept);
};

const normalize: Rule = (l, [x, scale, offset, mean, variance], { attributes }) => {
  if (attributes.is_training?.b) throw new GraphError('it normalizes as in training');
  const given = {
    scale: l.weights(scale!),
    offset: l.weights(offset!),
    mean: l.weights(mean!),
    variance: l.weights(variance!),
  };
  return l.normalize(x!, given, attributes.epsilon?.f ?? 1e-4);
};

const reshape: Rule = (l, [x, shape]) => {
  const dims = l.numbers(shape!);
  const known = dims.reduce((product, dim) => (dim < 0 ? product : product * dim), 1);
  const size = sizeOf(l.dims(x!));
  if (dims.includes(-1) ? size % known !== 0 : size !== known) {
    throw new GraphError(`${formatDims(l.dims(x!))} cannot become ${formatDims(dims)}`);
  }
  return l.reshape(x!, dims);
};

export const operators: Readonly<Record<string, Rule>> = {
  Identity: same,
  StopGradient: same,
  Cast: same,
  Conv2D: conv(false),
  _FusedConv2D: conv(false),
  DepthwiseConv2dNative: conv(true),
  FusedDepthwiseConv2dNative: conv(true),
  MatMul: matmul,
  _FusedMatMul: matmul,
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AveragePool'),
  BiasAdd: binary('Add'),
  Add: binary('Add'),
  AddV2: binary('Add'),
  AddN: (l, inputs) => inputs.reduce((sum, one) => l.binary('Add', sum, one)),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  RealDiv: binary('Div'),
  Div: binary('Div'),
  Pow: binary('Pow'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  SquaredDifference: (l, [x, y]) => {
    const difference = l.binary('Sub', x!, y!);
    return l.binary('Mul', difference, difference);
  },
  Relu: activation('Relu'),
  Relu6: activation('Relu6'),
  Elu: activation('Elu'),
  LeakyRelu: activation('LeakyRelu'),
  Prelu: (l, [x, slope]) => l.activate(x!, 'Prelu', { slope }),
  Sigmoid: activation('Sigmoid'),
  Tanh: activation('Tanh'),
  Softplus: activation('Softplus'),
  Softmax: activation('Softmax'),
  Neg: unary('Neg'),
  Abs: unary('Abs'),
  Exp: unary('Exp'),
  Log: unary('Log'),
  Sqrt: unary('Sqrt'),
  Reciprocal: unary('Reciprocal'),
  Rsqrt: (l, [x]) => l.unary('Reciprocal', l.unary('Sqrt', x!)),
  Square: (l, [x]) => l.binary('Mul', x!, x!),
  Mean: reduce('ReduceMean'),
  Sum: reduce('ReduceSum'),
  Max: reduce('ReduceMax'),
  Min: reduce('ReduceMin'),
  Pad: (l, [x, pads]) => l.pad(x!, pairs(l.numbers(pads!))),
  PadV2: (l, [x, pads, value]) => l.pad(x!, pairs(l.numbers(pads!)), l.numbers(value!)[0]),
  MirrorPad: (l, [x, pads], { attributes }) => {
    const mode = attributes.mode?.s ?? 'REFLECT';
    if (mode !== 'REFLECT') throw new GraphError(`its mode is ${mode}, not REFLECT`);
    return l.pad(x!, pairs(l.numbers(pads!)), 0, 'reflect');
  },
  ResizeBilinear: resize('linear'),
  ResizeNearestNeighbor: resize('nearest'),
  FusedBatchNorm: normalize,
  FusedBatchNormV2: normalize,
  FusedBatchNormV3: normalize,
  Reshape: reshape,
  Squeeze: squeeze,
  ExpandDims: expand,
  Transpose: (l, [x, order]) => ({
    value: l.b.transpose(l.plain(x!), l.numbers(order!)),
    isPlanes: false,
  }),
  ConcatV2: (l, inputs) => l.concat(inputs.slice(0, -1), l.numbers(inputs.at(-1)!)[0]!),
  Pack: pack,
  Unpack: unpack,
  Split: split,
  Slice: slice,
  StridedSlice: stridedSlice,
};
