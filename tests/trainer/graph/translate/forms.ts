/**
 * @file Small graphs in the forms that operators had or have between opset 11 and 26, each with the
 * opsets that know it.
 */
import { nodeOf } from '@/tests/support/graph-of';
import type { Node } from '@/trainer/graph/model';
import { float32, int64, sizeOf, type Tensor, tensor } from '@/trainer/graph/tensor';

export interface Form {
  name: string;
  /** First and last opset that it is written in. */
  opsets: readonly [number, number];
  /** Shape of its input `x`. */
  dims: readonly number[];
  /** From `x` to `y`. */
  nodes: readonly Node[];
  constants?: Readonly<Record<string, Tensor>>;
  /** False where nothing flows back. */
  flat?: true;
}

export const newest = 26;

/** Numbers without a pattern, between −1 and 1. */
export function wave(dims: readonly number[], phase = 0): Tensor<'float32'> {
  return float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(2.4 * i + 0.3 + 0.61 * phase)),
  );
}

const ints = (...values: number[]) => int64([values.length], values);
const one = (op: string, attributes = {}, rest: string[] = []) => [
  nodeOf(op, ['x', ...rest], ['y'], attributes),
];

const reductions =
  'ReduceMax ReduceMean ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp'.split(' ');

const reduced = reductions.flatMap((op): Form[] => [
  { name: `${op}, axes told`, opsets: [11, 17], dims: [2, 3, 4], nodes: one(op, { axes: [1] }) },
  {
    name: `${op}, axes from the end, dropped`,
    opsets: [11, 17],
    dims: [2, 3, 4],
    nodes: one(op, { axes: [-1, 0], keepdims: 0 }),
  },
  {
    name: `${op}, axes given`,
    opsets: [18, newest],
    dims: [2, 3, 4],
    nodes: one(op, {}, ['axes']),
    constants: { axes: ints(1) },
  },
  { name: `${op} of all`, opsets: [11, newest], dims: [2, 3], nodes: one(op, { keepdims: 0 }) },
]);

const softmaxes = ['Softmax', 'LogSoftmax'].flatMap((op): Form[] => [
  { name: `${op} over the rest`, opsets: [11, 12], dims: [2, 3, 4], nodes: one(op) },
  { name: `${op} over all`, opsets: [11, 12], dims: [2, 3, 4], nodes: one(op, { axis: 0 }) },
  { name: `${op} over one`, opsets: [13, newest], dims: [2, 3, 4], nodes: one(op, { axis: 1 }) },
  { name: `${op} over the last`, opsets: [11, newest], dims: [2, 4], nodes: one(op, { axis: -1 }) },
]);

const twoHalves = (op: Node) => [op, nodeOf('Mul', ['a', 'c'], ['y'])];

const activations: [string, object, number][] = [
  ['Elu', { alpha: 0.5 }, 11],
  ['Selu', {}, 11],
  ['Celu', { alpha: 1.5 }, 12],
  ['HardSigmoid', { alpha: 0.3 }, 11],
  ['Softsign', {}, 11],
  ['HardSwish', {}, 14],
  ['ThresholdedRelu', { alpha: 0.1 }, 11],
  ['Mish', {}, 18],
  ['Gelu', {}, 20],
  ['Gelu', { approximate: 'tanh' }, 20],
  ['LpNormalization', { axis: 0, p: 1 }, 11],
  ['LpNormalization', { axis: 1, p: 2 }, 11],
  ['MeanVarianceNormalization', { axes: [0, 1] }, 11],
];

const heads = { q_num_heads: 2, kv_num_heads: 1 };

export const forms: readonly Form[] = [
  ...reduced,
  ...softmaxes,
  ...activations.map(
    ([op, attributes, since]): Form => ({
      name: `${op} ${JSON.stringify(attributes)}`,
      opsets: [since, newest],
      dims: [3, 4],
      nodes: one(op, attributes),
    }),
  ),
  // ONNX Runtime 1.30 knows it in no later one.
  { name: 'Swish', opsets: [24, 24], dims: [3, 4], nodes: one('Swish', { alpha: 1.3 }) },
  {
    name: 'ReduceSum, axes told',
    opsets: [11, 12],
    dims: [2, 3],
    nodes: one('ReduceSum', { axes: [0] }),
  },
  {
    name: 'Squeeze and Unsqueeze, axes told',
    opsets: [11, 12],
    dims: [2, 1, 3],
    nodes: [
      nodeOf('Squeeze', ['x'], ['a'], { axes: [1] }),
      nodeOf('Unsqueeze', ['a'], ['y'], { axes: [0, 3] }),
    ],
  },
  {
    name: 'Squeeze and Unsqueeze, axes given',
    opsets: [13, newest],
    dims: [2, 1, 3],
    nodes: [nodeOf('Squeeze', ['x', 'at'], ['a']), nodeOf('Unsqueeze', ['a', 'to'], ['y'])],
    constants: { at: ints(1), to: ints(0, 3) },
  },
  {
    name: 'Split, sizes told',
    opsets: [11, 12],
    dims: [2, 6],
    nodes: [
      nodeOf('Split', ['x'], ['a', 'c'], { axis: 1, split: [2, 4] }),
      nodeOf('Concat', ['c', 'a'], ['y'], { axis: -1 }),
    ],
  },
  {
    name: 'Split, sizes given',
    opsets: [13, newest],
    dims: [2, 6],
    nodes: [
      nodeOf('Split', ['x', 'sizes'], ['a', 'c'], { axis: 1 }),
      nodeOf('Concat', ['c', 'a'], ['y'], { axis: -1 }),
    ],
    constants: { sizes: ints(2, 4) },
  },
  {
    name: 'Split into halves',
    opsets: [11, 17],
    dims: [2, 6],
    nodes: twoHalves(nodeOf('Split', ['x'], ['a', 'c'], { axis: 1 })),
  },
  {
    name: 'Split into parts of which the last is smaller',
    opsets: [18, newest],
    dims: [5, 2],
    nodes: [
      nodeOf('Split', ['x'], ['a', 'c'], { num_outputs: 2 }),
      nodeOf('Concat', ['c', 'a'], ['y'], { axis: 0 }),
    ],
  },
  { name: 'Dropout', opsets: [11, newest], dims: [2, 3], nodes: one('Dropout') },
  {
    name: 'BatchNormalization',
    opsets: [11, newest],
    dims: [2, 2, 3],
    nodes: one('BatchNormalization', { epsilon: 1e-3 }, ['scale', 'shift', 'mean', 'variance']),
    constants: {
      scale: float32([2], [2, -1]),
      shift: float32([2], [0.5, 1]),
      mean: float32([2], [0.1, 0.2]),
      variance: float32([2], [0.5, 2]),
    },
  },
  {
    name: 'Resize with empty inputs',
    opsets: [11, newest],
    dims: [1, 2, 3, 3],
    nodes: one('Resize', { mode: 'linear' }, ['none', 'none', 'sizes']),
    constants: { none: float32([0], []), sizes: ints(1, 2, 6, 5) },
  },
  {
    name: 'Resize by scales',
    opsets: [11, newest],
    dims: [1, 2, 3, 3],
    nodes: one(
      'Resize',
      {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      },
      ['none', 'scales'],
    ),
    constants: { none: float32([0], []), scales: float32([4], [1, 1, 2, 2]) },
  },
  {
    name: 'Resize of some axes, antialiased',
    opsets: [18, newest],
    dims: [1, 2, 6, 6],
    nodes: one('Resize', { mode: 'linear', antialias: 1, axes: [2, 3] }, ['', '', 'sizes']),
    constants: { sizes: ints(4, 3) },
  },
  {
    name: 'Clip, Pad and Slice',
    opsets: [11, newest],
    dims: [2, 3],
    nodes: [
      nodeOf('Clip', ['x', 'low'], ['a']),
      nodeOf('Pad', ['a', 'pads', 'fill'], ['c']),
      nodeOf('Slice', ['c', 'start', 'end', 'axes'], ['y']),
    ],
    constants: {
      low: float32([], [-0.5]),
      pads: ints(0, 1, 1, 0),
      fill: float32([], [2]),
      start: ints(1),
      end: int64([1], [Number.MAX_SAFE_INTEGER]),
      axes: ints(-2),
    },
  },
  {
    name: 'Pad of some axes',
    opsets: [18, newest],
    dims: [2, 3],
    nodes: one('Pad', { mode: 'edge' }, ['pads', '', 'axes']),
    constants: { pads: ints(1, 2), axes: ints(1) },
  },
  {
    name: 'Pad that goes round',
    opsets: [19, newest],
    dims: [2, 3],
    nodes: one('Pad', { mode: 'wrap' }, ['pads']),
    constants: { pads: ints(0, 2, 1, 1) },
  },
  {
    name: 'AveragePool with holes',
    opsets: [19, newest],
    dims: [2, 2, 5, 5],
    nodes: one('AveragePool', { kernel_shape: [2, 2], dilations: [2, 2] }),
  },
  {
    name: 'GlobalMaxPool and Mean',
    opsets: [11, newest],
    dims: [2, 2, 3],
    nodes: [nodeOf('GlobalMaxPool', ['x'], ['a']), nodeOf('Mean', ['x', 'a', 'x'], ['y'])],
  },
  {
    name: 'GroupNormalization, scale by group',
    opsets: [18, 20],
    dims: [2, 6, 3],
    nodes: one('GroupNormalization', { num_groups: 2, epsilon: 1e-3 }, ['scale', 'shift']),
    constants: { scale: float32([2], [2, -1]), shift: float32([2], [0.5, 1]) },
  },
  {
    name: 'GroupNormalization, scale by channel',
    opsets: [21, newest],
    dims: [2, 6, 3],
    nodes: one('GroupNormalization', { num_groups: 2, epsilon: 1e-3 }, ['scale', 'shift']),
    constants: { scale: wave([6]), shift: wave([6], 1) },
  },
  {
    name: 'RMSNormalization over two axes',
    opsets: [23, newest],
    dims: [2, 3, 4],
    nodes: one('RMSNormalization', { axis: 1, epsilon: 1e-3 }, ['scale']),
    constants: { scale: wave([3, 4]) },
  },
  {
    name: 'LayerNormalization',
    opsets: [17, newest],
    dims: [2, 3, 4],
    nodes: one('LayerNormalization', { axis: -1 }, ['scale', 'shift']),
    constants: { scale: wave([4]), shift: wave([4], 1) },
  },
  {
    name: 'PRelu',
    opsets: [11, newest],
    dims: [2, 3],
    nodes: one('PRelu', {}, ['share']),
    constants: { share: float32([3], [0.1, 0.2, -0.3]) },
  },
  {
    name: 'Einsum with an ellipsis',
    opsets: [12, newest],
    dims: [2, 3, 4],
    nodes: [nodeOf('Einsum', ['x', 'w'], ['y'], { equation: '...ij,jk->...ik' })],
    constants: { w: wave([4, 2]) },
  },
  {
    name: 'CastLike',
    opsets: [15, newest],
    dims: [2, 3],
    nodes: one('CastLike', {}, ['kind']),
    constants: { kind: float32([1], [0]) },
  },
  {
    name: 'Trilu',
    opsets: [14, newest],
    dims: [2, 3, 3],
    nodes: one('Trilu', { upper: 0 }, ['k']),
    constants: { k: int64([], [1]) },
  },
  {
    name: 'DequantizeLinear along an axis',
    opsets: [13, newest],
    dims: [2, 3],
    nodes: [
      nodeOf('DequantizeLinear', ['q', 'scale', 'zero'], ['w'], { axis: 0 }),
      nodeOf('Mul', ['x', 'w'], ['y']),
    ],
    constants: {
      q: tensor('uint8', [2, 3], Uint8Array.of(0, 10, 255, 128, 3, 7)),
      scale: float32([2], [0.01, 0.02]),
      zero: tensor('uint8', [2], Uint8Array.of(128, 100)),
    },
  },
  {
    name: 'GatherND in each row',
    opsets: [12, newest],
    dims: [2, 3, 2],
    nodes: one('GatherND', { batch_dims: 1 }, ['at']),
    constants: { at: int64([2, 2, 1], [2, 0, 1, 1]) },
  },
  {
    name: 'ScatterElements that adds',
    opsets: [16, newest],
    dims: [2, 3],
    nodes: [
      nodeOf('Neg', ['x'], ['a']),
      nodeOf('ScatterElements', ['x', 'at', 'a'], ['y'], { axis: 1, reduction: 'add' }),
    ],
    constants: { at: int64([2, 3], [0, 0, 2, 1, 2, 0]) },
  },
  {
    name: 'Pow by what is trained',
    opsets: [12, newest],
    dims: [3],
    nodes: [nodeOf('Exp', ['x'], ['a']), nodeOf('Pow', ['a', 'x'], ['y'])],
  },
  {
    name: 'ScatterND in place of a slice',
    opsets: [11, newest],
    dims: [3, 2],
    nodes: [
      nodeOf('Gather', ['x', 'first'], ['row'], { axis: 0 }),
      nodeOf('ScatterND', ['x', 'at', 'row'], ['y']),
    ],
    constants: { first: ints(0), at: int64([1, 1], [2]) },
  },
  {
    name: 'Attention of several heads, masked',
    opsets: [23, newest],
    dims: [1, 3, 8],
    nodes: [
      nodeOf('Slice', ['x', 'from', 'to', 'axis'], ['key']),
      nodeOf('Attention', ['x', 'key', 'key', 'mask'], ['y'], { ...heads, is_causal: 0 }),
    ],
    constants: { from: ints(0), to: ints(4), axis: ints(2), mask: wave([3, 3]) },
  },
  {
    name: 'Attention, causal',
    opsets: [23, newest],
    dims: [2, 2, 3, 4],
    nodes: [nodeOf('Attention', ['x', 'x', 'x'], ['y'], { is_causal: 1, scale: 0.7 })],
  },
  {
    name: 'Attention, capped, with truths as mask',
    opsets: [23, newest],
    dims: [1, 2, 3, 4],
    nodes: [nodeOf('Attention', ['x', 'x', 'x', 'mask'], ['y'], { softcap: 2 })],
    constants: { mask: tensor('bool', [3, 3], Uint8Array.of(1, 0, 1, 1, 1, 0, 1, 1, 1)) },
  },
  ...[0, 1, 2, 3].map(
    (stage): Form => ({
      name: `Attention's scores, stage ${stage}`,
      opsets: [23, newest],
      dims: [1, 2, 3, 4],
      nodes: [
        nodeOf('Attention', ['x', 'x', 'x', 'mask'], ['a', '', '', 'y'], {
          softcap: 2,
          qk_matmul_output_mode: stage,
        }),
      ],
      constants: { mask: wave([3, 3], 1) },
    }),
  ),
  {
    name: 'Attention that goes on from the past',
    opsets: [23, newest],
    dims: [1, 2, 3, 4],
    nodes: [
      nodeOf('Attention', ['x', 'x', 'x', '', 'k', 'v'], ['a', 'key', 'value'], { is_causal: 1 }),
      nodeOf('MatMul', ['a', 'turned'], ['c']),
      nodeOf('ReduceSum', ['key', 'axis'], ['d']),
      nodeOf('Add', ['c', 'd'], ['y']),
    ],
    constants: {
      k: wave([1, 2, 2, 4], 4),
      v: wave([1, 2, 2, 4], 5),
      turned: wave([4, 4], 6),
      axis: ints(2),
    },
  },
  ...[0, 1].map(
    (interleaved): Form => ({
      name: `RotaryEmbedding, ${interleaved ? 'pairs' : 'halves'}`,
      opsets: [23, newest],
      dims: [1, 3, 8],
      nodes: [
        nodeOf('RotaryEmbedding', ['x', 'cos', 'sin', 'at'], ['y'], { num_heads: 2, interleaved }),
      ],
      constants: {
        cos: wave([5, 2]),
        sin: wave([5, 2], 1),
        at: int64([1, 3], [4, 0, 2]),
      },
    }),
  ),
  {
    name: 'extremes of truths',
    opsets: [20, newest],
    dims: [2, 3],
    nodes: [
      nodeOf('Greater', ['x', 'zero'], ['up']),
      nodeOf('ReduceMax', ['up', 'axes'], ['any']),
      nodeOf('Where', ['any', 'x', 'zero'], ['y']),
    ],
    constants: { zero: float32([], [0]), axes: ints(1) },
  },
];
