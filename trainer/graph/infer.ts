/**
 * @file Static shape inference: one rule per operator, from the types of the inputs to those of the
 * outputs. All dimensions are numbers. Follows the ONNX operator specification, opset 18.
 */

import { einsumOutput } from './einsum';
import { InferScope, type Rule } from './infer-scope';
import { structure } from './infer-structure';
import { convOutput, poolOutput } from './infer-windows';
import {
  floatAttr,
  type Graph,
  GraphError,
  intAttr,
  type Node,
  place,
  stringAttr,
  type ValueType,
} from './model';
import { broadcastDims } from './numbers';
import { dtypeOf } from './onnx/dtypes';
import type { Tensor } from './tensor';

const like: Rule = (s) => [s.type(0)];

const broadcast: Rule = (s) => {
  let dims = s.dims(0);
  for (let i = 1; i < s.node.inputs.length; i++) {
    dims = broadcastDims(dims, s.dims(i)) ?? s.fail('the shapes do not broadcast');
  }
  return [{ dtype: s.type(0).dtype, dims }];
};

const compare: Rule = (s) => [{ dtype: 'bool', dims: broadcast(s)[0]!.dims }];

/** Axes of a reduction; none given means all. */
function reduceAxes(s: InferScope): number[] {
  const rank = s.dims(0).length;
  const given = s.optionalNumbers(1);
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
  Gemm: (s) => [{ dtype: s.type(0).dtype, dims: matmulDims(s) }],
  MultiHeadAttention: (s) => [
    { dtype: s.type(0).dtype, dims: [...s.dims(0).slice(0, 2), s.dims(2)[2]!] },
  ],
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
  ...structure,
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
  NonZero: (s) => {
    const count = s.numbers(0).filter((value) => value !== 0).length;
    return [{ dtype: 'int64', dims: [s.dims(0).length, count] }];
  },
  OneHot: (s) => {
    const [depth] = s.numbers(1) as [number];
    const dims = [...s.dims(0)];
    const axis = s.axis(intAttr(s.node, 'axis', -1), dims.length + 1);
    dims.splice(axis, 0, depth);
    return [{ dtype: s.type(2).dtype, dims }];
  },
  ArgMax: argReduce,
  ArgMin: argReduce,
  ScatterND: like,
  ScatterElements: like,
};

const elementwise =
  'Abs Neg Exp Log Sqrt Reciprocal Erf Sin Cos Tan Tanh Sigmoid Relu LeakyRelu Elu Softplus Floor Ceil Round Sign Not Clip ' +
  'Softmax LogSoftmax Hardmax InstanceNormalization BatchNormalization CumSum Trilu IsNaN';
for (const op of elementwise.split(' ')) rules[op] = like;
for (const op of 'Add Sub Mul Div Pow Min Max Mod And Or Xor Sum Mean'.split(' '))
  rules[op] = broadcast;
for (const op of 'Equal Less Greater LessOrEqual GreaterOrEqual'.split(' ')) rules[op] = compare;
for (const op of 'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp'.split(
  ' ',
)) {
  rules[op] = reduce;
}
for (const op of ['IsNaN', 'IsInf']) rules[op] = (s) => [{ dtype: 'bool', dims: s.dims(0) }];

/** Axes that a Reduce* node reduces, counted from the front. */
export { reduceAxes };

/**
 * Element types and shapes of a node's outputs. @throws GraphError naming file, node, operator and
 * shapes
 */
export function inferTypes(
  graph: Pick<Graph, 'source'>,
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
  graph: Pick<Graph, 'source'>,
  node: Node,
  types: readonly (ValueType | undefined)[],
  constants: readonly (Tensor | undefined)[],
): InferScope {
  return new InferScope(node, place(graph, node), types, constants);
}

/** The epsilon of a normalization node. */
export function epsilonOf(node: Node): number {
  return floatAttr(node, 'epsilon', 1e-5);
}
