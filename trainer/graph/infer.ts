/**
 * @file Static shape inference: one rule per operator, from the types of the inputs to those of the outputs.
 * All dimensions are numbers. Follows the ONNX operator specification, opsets 9 to 21.
 */

import { einsumOutput } from './einsum';
import { convOutput, poolOutput } from './infer-windows';
import {
  floatAttr,
  type Graph,
  GraphError,
  intAttr,
  intsAttr,
  type Node,
  place,
  stringAttr,
  type ValueType,
} from './model';
import { broadcastDims, normalAxis, numbersOf } from './numbers';
import { dtypeOf } from './onnx/dtypes';
import { resizeOutput } from './resize';
import { formatDims, sizeOf, type Tensor } from './tensor';

/** What a rule may ask: the node, its inputs' types and, where they are constant, values. */
export class InferScope {
  constructor(
    readonly node: Node,
    readonly opset: number,
    private readonly where: string,
    private readonly types: readonly (ValueType | undefined)[],
    private readonly constants: readonly (Tensor | undefined)[],
  ) {}

  has(index: number): boolean {
    return this.types[index] !== undefined;
  }

  type(index: number): ValueType {
    return this.types[index] ?? this.fail(`input ${index} is missing or of unknown shape`);
  }

  dims(index: number): readonly number[] {
    return this.type(index).dims;
  }

  /** The numbers of a constant input; undefined when it is left out. */
  optionalNumbers(index: number): number[] | undefined {
    if (!this.node.inputs[index]) return undefined;
    const constant = this.constants[index];
    if (!constant)
      this.fail(`input ${index} ("${this.node.inputs[index]}") must be constant to know the shape`);
    return numbersOf(constant as Tensor);
  }

  numbers(index: number): number[] {
    return this.optionalNumbers(index) ?? this.fail(`input ${index} is missing`);
  }

  axis(axis: number, rank: number): number {
    return normalAxis(axis, rank) ?? this.fail(`axis ${axis} lies outside rank ${rank}`);
  }

  fail(message: string): never {
    throw new GraphError(
      `${this.where}: ${message}. Its input shapes are ${this.types
        .map((type) => (type ? formatDims(type.dims) : '-'))
        .join(', ')}: check the shapes the graph was given.`,
    );
  }
}

type Rule = (s: InferScope) => ValueType[];

const like: Rule = (s) => [s.type(0)];

const broadcast: Rule = (s) => {
  let dims = s.dims(0);
  for (let i = 1; i < s.node.inputs.length; i++) {
    dims = broadcastDims(dims, s.dims(i)) ?? s.fail('the shapes do not broadcast');
  }
  return [{ dtype: s.type(0).dtype, dims }];
};

const compare: Rule = (s) => [{ dtype: 'bool', dims: (broadcast(s)[0] as ValueType).dims }];

/** Axes of a reduction: an input since opset 13 (ReduceSum) or 18, an attribute before; none means all. */
function reduceAxes(s: InferScope): number[] {
  const rank = s.dims(0).length;
  const given = intsAttr(s.node, 'axes') ?? s.optionalNumbers(1);
  if (given && given.length > 0) return given.map((axis) => s.axis(axis, rank));
  if (intAttr(s.node, 'noop_with_empty_axes', 0) === 1) return [];
  return s.dims(0).map((_, axis) => axis);
}

const reduce: Rule = (s) => {
  const axes = new Set(reduceAxes(s));
  const keep = intAttr(s.node, 'keepdims', 1) === 1;
  const dims = s.dims(0).flatMap((dim, axis) => (axes.has(axis) ? (keep ? [1] : []) : [dim]));
  return [{ dtype: s.type(0).dtype, dims }];
};

const argReduce: Rule = (s) => {
  const axis = s.axis(intAttr(s.node, 'axis', 0), s.dims(0).length);
  const keep = intAttr(s.node, 'keepdims', 1) === 1;
  const dims = s.dims(0).flatMap((dim, i) => (i === axis ? (keep ? [1] : []) : [dim]));
  return [{ dtype: 'int64', dims }];
};

function matmulDims(s: InferScope): number[] {
  let a = [...s.dims(0)];
  let b = [...s.dims(1)];
  const vectorA = a.length === 1;
  const vectorB = b.length === 1;
  if (vectorA) a = [1, ...a];
  if (vectorB) b = [...b, 1];
  if (intAttr(s.node, 'transA', 0)) a.push(...(a.splice(-2).reverse() as [number, number]));
  if (intAttr(s.node, 'transB', 0)) b.push(...(b.splice(-2).reverse() as [number, number]));
  const [m, k] = a.slice(-2) as [number, number];
  const [k2, n] = b.slice(-2) as [number, number];
  if (k !== k2) s.fail(`inner dimensions ${k} and ${k2} differ`);
  const batch = broadcastDims(a.slice(0, -2), b.slice(0, -2)) ?? s.fail('batch dimensions differ');
  return [...batch, ...(vectorA ? [] : [m]), ...(vectorB ? [] : [n])];
}

function axesInput(s: InferScope): number[] | undefined {
  return intsAttr(s.node, 'axes') ?? s.optionalNumbers(1);
}

const rules: Record<string, Rule> = {
  Constant: (s) => s.fail('constants are folded before inference'),
  Identity: like,
  Cast: (s) => {
    const to = intAttr(s.node, 'to', 0);
    return [{ dtype: dtypeOf(to) ?? s.fail(`cast to element type ${to}`), dims: s.dims(0) }];
  },
  Shape: (s) => [{ dtype: 'int64', dims: [s.dims(0).length] }],
  Size: () => [{ dtype: 'int64', dims: [] }],
  Where: (s) => {
    const dims = broadcastDims(s.dims(1), s.dims(2)) ?? s.fail('the shapes do not broadcast');
    return [
      {
        dtype: s.type(1).dtype,
        dims: broadcastDims(s.dims(0), dims) ?? s.fail('the shapes do not broadcast'),
      },
    ];
  },
  MatMul: (s) => [{ dtype: s.type(0).dtype, dims: matmulDims(s) }],
  FusedMatMul: (s) => [{ dtype: s.type(0).dtype, dims: matmulDims(s) }],
  Gemm: (s) => [{ dtype: s.type(0).dtype, dims: matmulDims(s) }],
  Einsum: (s) => {
    const dims = s.node.inputs.map((_, i) => s.dims(i));
    return [
      { dtype: s.type(0).dtype, dims: einsumOutput(stringAttr(s.node, 'equation', ''), dims) },
    ];
  },
  Conv: (s) => [{ dtype: s.type(0).dtype, dims: convOutput(s, 'Conv') }],
  ConvTranspose: (s) => [{ dtype: s.type(0).dtype, dims: convOutput(s, 'ConvTranspose') }],
  MaxPool: (s) => [{ dtype: s.type(0).dtype, dims: poolOutput(s) }],
  AveragePool: (s) => [{ dtype: s.type(0).dtype, dims: poolOutput(s) }],
  GlobalAveragePool: (s) => [
    { dtype: s.type(0).dtype, dims: s.dims(0).map((dim, axis) => (axis < 2 ? dim : 1)) },
  ],
  LayerNormalization: (s) => {
    const dims = s.dims(0);
    const axis = s.axis(intAttr(s.node, 'axis', -1), dims.length);
    const stats: ValueType = { dtype: 'float32', dims: dims.map((dim, i) => (i < axis ? dim : 1)) };
    return [s.type(0), stats, stats];
  },
  Reshape: (s) => {
    const from = s.dims(0);
    const allowZero = intAttr(s.node, 'allowzero', 0) === 1;
    const to = s.numbers(1).map((dim, i) => (dim === 0 && !allowZero ? (from[i] ?? 0) : dim));
    const size = sizeOf(from);
    const rest = to.filter((dim) => dim !== -1).reduce((a, b) => a * b, 1);
    const dims = to.map((dim) => (dim === -1 ? size / rest : dim));
    if (!dims.every(Number.isInteger) || sizeOf(dims) !== size) {
      s.fail(`cannot reshape to ${formatDims(to)}`);
    }
    return [{ dtype: s.type(0).dtype, dims }];
  },
  Flatten: (s) => {
    const dims = s.dims(0);
    const axis = intAttr(s.node, 'axis', 1);
    const split = axis < 0 ? axis + dims.length : axis;
    return [
      { dtype: s.type(0).dtype, dims: [sizeOf(dims.slice(0, split)), sizeOf(dims.slice(split))] },
    ];
  },
  Transpose: (s) => {
    const dims = s.dims(0);
    const perm = intsAttr(s.node, 'perm') ?? dims.map((_, i) => dims.length - 1 - i);
    if (perm.length !== dims.length) s.fail(`perm ${formatDims(perm)} does not fit`);
    return [{ dtype: s.type(0).dtype, dims: perm.map((axis) => dims[axis] as number) }];
  },
  Squeeze: (s) => {
    const dims = s.dims(0);
    const axes = axesInput(s)?.map((axis) => s.axis(axis, dims.length));
    return [
      {
        dtype: s.type(0).dtype,
        dims: dims.filter((dim, i) => (axes ? !axes.includes(i) : dim !== 1)),
      },
    ];
  },
  Unsqueeze: (s) => {
    const given = axesInput(s) ?? s.fail('axes are missing');
    const rank = s.dims(0).length + given.length;
    const axes = new Set(given.map((axis) => s.axis(axis, rank)));
    const rest = [...s.dims(0)];
    const dims = Array.from({ length: rank }, (_, i) =>
      axes.has(i) ? 1 : (rest.shift() as number),
    );
    return [{ dtype: s.type(0).dtype, dims }];
  },
  Concat: (s) => {
    const first = s.dims(0);
    const axis = s.axis(intAttr(s.node, 'axis', 0), first.length);
    let total = 0;
    s.node.inputs.forEach((_, i) => {
      const dims = s.dims(i);
      if (dims.length !== first.length || dims.some((dim, j) => j !== axis && dim !== first[j])) {
        s.fail(`input ${i} does not fit the first`);
      }
      total += dims[axis] as number;
    });
    return [{ dtype: s.type(0).dtype, dims: first.map((dim, i) => (i === axis ? total : dim)) }];
  },
  Split: (s) => {
    const dims = s.dims(0);
    const axis = s.axis(intAttr(s.node, 'axis', 0), dims.length);
    const count = s.node.outputs.length;
    const length = dims[axis] as number;
    const even = Math.ceil(length / count);
    const sizes =
      intsAttr(s.node, 'split') ??
      s.optionalNumbers(1) ??
      Array.from({ length: count }, (_, i) => Math.min(even, length - i * even));
    if (sizes.reduce((a, b) => a + b, 0) !== length)
      s.fail(`split ${formatDims(sizes)} does not fit`);
    return sizes.map((size) => ({
      dtype: s.type(0).dtype,
      dims: dims.map((dim, i) => (i === axis ? size : dim)),
    }));
  },
  Slice: (s) => {
    const dims = [...s.dims(0)];
    for (const { axis, count } of sliceRanges(s)) dims[axis] = count;
    return [{ dtype: s.type(0).dtype, dims }];
  },
  Expand: (s) => [
    {
      dtype: s.type(0).dtype,
      dims: broadcastDims(s.dims(0), s.numbers(1)) ?? s.fail('the shapes do not broadcast'),
    },
  ],
  Tile: (s) => {
    const repeats = s.numbers(1);
    return [
      { dtype: s.type(0).dtype, dims: s.dims(0).map((dim, i) => dim * (repeats[i] as number)) },
    ];
  },
  Pad: (s) => {
    const dims = s.dims(0);
    const pads = padWidths(s);
    return [
      {
        dtype: s.type(0).dtype,
        dims: dims.map((dim, i) => dim + (pads[i] as number) + (pads[i + dims.length] as number)),
      },
    ];
  },
  Resize: (s) => [{ dtype: s.type(0).dtype, dims: resizeOutput(s) }],
  DepthToSpace: (s) => {
    const [n, c, h, w] = s.dims(0) as [number, number, number, number];
    const block = intAttr(s.node, 'blocksize', 1);
    return [{ dtype: s.type(0).dtype, dims: [n, c / block ** 2, h * block, w * block] }];
  },
  SpaceToDepth: (s) => {
    const [n, c, h, w] = s.dims(0) as [number, number, number, number];
    const block = intAttr(s.node, 'blocksize', 1);
    return [{ dtype: s.type(0).dtype, dims: [n, c * block ** 2, h / block, w / block] }];
  },
  Gather: (s) => {
    const dims = s.dims(0);
    const axis = s.axis(intAttr(s.node, 'axis', 0), dims.length);
    return [
      {
        dtype: s.type(0).dtype,
        dims: [...dims.slice(0, axis), ...s.dims(1), ...dims.slice(axis + 1)],
      },
    ];
  },
  GatherElements: (s) => [{ dtype: s.type(0).dtype, dims: s.dims(1) }],
  GatherND: (s) => {
    const index = s.dims(1);
    const batch = intAttr(s.node, 'batch_dims', 0);
    const depth = index[index.length - 1] as number;
    return [
      {
        dtype: s.type(0).dtype,
        dims: [...index.slice(0, -1), ...s.dims(0).slice(batch + depth)],
      },
    ];
  },
  ConstantOfShape: (s) => {
    const value = s.node.attributes.value;
    return [
      { dtype: value?.kind === 'tensor' ? value.value.dtype : 'float32', dims: s.numbers(0) },
    ];
  },
  Range: (s) => {
    const [start, limit, step] = [s.numbers(0)[0], s.numbers(1)[0], s.numbers(2)[0]] as [
      number,
      number,
      number,
    ];
    return [{ dtype: s.type(0).dtype, dims: [Math.max(0, Math.ceil((limit - start) / step))] }];
  },
  ArgMax: argReduce,
  ArgMin: argReduce,
  ScatterND: like,
  ScatterElements: like,
};

const elementwise =
  'Abs Neg Exp Log Sqrt Reciprocal Erf Sin Cos Tan Tanh Sigmoid Relu LeakyRelu Elu Softplus Floor Ceil Round Sign Not Clip ' +
  'Softmax LogSoftmax InstanceNormalization BatchNormalization CumSum Gelu QuickGelu Trilu IsNaN HardSigmoid HardSwish Mish LpNormalization GroupNormalization RMSNormalization';
for (const op of elementwise.split(' ')) rules[op] = like;
for (const op of 'Add Sub Mul Div Pow Min Max Mod And Or Xor Sum Mean'.split(' '))
  rules[op] = broadcast;
for (const op of 'Equal Less Greater LessOrEqual GreaterOrEqual'.split(' ')) rules[op] = compare;
for (const op of 'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp'.split(
  ' ',
)) {
  rules[op] = reduce;
}
rules.IsNaN = (s) => [{ dtype: 'bool', dims: s.dims(0) }];

export interface SliceRange {
  axis: number;
  start: number;
  step: number;
  count: number;
}

/** What a Slice takes of each sliced axis: first index, step (may be negative) and number of elements. */
export function sliceRanges(s: InferScope): SliceRange[] {
  const dims = s.dims(0);
  const starts = intsAttr(s.node, 'starts') ?? s.numbers(1);
  const ends = intsAttr(s.node, 'ends') ?? s.numbers(2);
  const axes = intsAttr(s.node, 'axes') ?? s.optionalNumbers(3) ?? starts.map((_, i) => i);
  const steps = s.optionalNumbers(4) ?? starts.map(() => 1);
  return axes.map((given, i) => {
    const axis = s.axis(given, dims.length);
    const length = dims[axis] as number;
    const step = steps[i] as number;
    if (step === 0) s.fail('a slice step is 0');
    const clamp = (value: number, low: number, high: number) =>
      Math.min(Math.max(value < 0 ? value + length : value, low), high);
    const start =
      step > 0 ? clamp(starts[i] as number, 0, length) : clamp(starts[i] as number, 0, length - 1);
    const end =
      step > 0 ? clamp(ends[i] as number, 0, length) : clamp(ends[i] as number, -1, length - 1);
    return { axis, start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

/** Pad's widths, all begins then all ends, one per axis of the input. */
export function padWidths(s: InferScope): number[] {
  const rank = s.dims(0).length;
  const given = intsAttr(s.node, 'pads') ?? s.numbers(1);
  const axes = s.optionalNumbers(3)?.map((axis) => s.axis(axis, rank));
  if (!axes) return given;
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i] as number;
    pads[axis + rank] = given[i + axes.length] as number;
  });
  return pads;
}

/** Axes that a Reduce* node reduces, counted from the front. */
export { reduceAxes };

/** Element types and shapes of a node's outputs. @throws GraphError naming file, node, operator and shapes */
export function inferTypes(
  graph: Pick<Graph, 'source' | 'opsets'>,
  node: Node,
  types: readonly (ValueType | undefined)[],
  constants: readonly (Tensor | undefined)[],
): ValueType[] {
  const rule = rules[node.op];
  if (!rule) {
    throw new GraphError(
      `${place(graph, node)}: no shape rule for this operator. Add one to trainer/graph/infer.ts, or export the model with operators listed there.`,
    );
  }
  return rule(inferScope(graph, node, types, constants));
}

/** The scope in which rules ask about a node. */
export function inferScope(
  graph: Pick<Graph, 'source' | 'opsets'>,
  node: Node,
  types: readonly (ValueType | undefined)[],
  constants: readonly (Tensor | undefined)[],
): InferScope {
  return new InferScope(node, graph.opsets[''] ?? 18, place(graph, node), types, constants);
}

/** The epsilon of a normalization node. */
export function epsilonOf(node: Node): number {
  return floatAttr(node, 'epsilon', 1e-5);
}
