/**
 * @file Constant folding of shape arithmetic: the value of a node whose inputs are known.
 * Only what exporters write around shapes; large constant tensors are left to ONNX Runtime.
 */

import { reduceAxes } from './infer';
import type { InferScope } from './infer-scope';
import { sliceRanges } from './infer-structure';
import { intAttr, intsAttr, type Node, type ValueType } from './model';
import { numbersOf, stridesOf, tensorOf } from './numbers';
import { sizeOf, type Tensor } from './tensor';

/** Values above this many elements are not folded: a graph should not grow by its own constants. */
export const foldLimit = 1 << 16;

type Fold = (inputs: Tensor[], scope: InferScope, output: ValueType, node: Node) => number[];

/** Reads `from` at every position of `dims`, broadcasting. */
function spread(
  values: readonly number[],
  from: readonly number[],
  dims: readonly number[],
): number[] {
  const strides = stridesOf(from).map((stride, i) => (from[i] === 1 ? 0 : stride));
  const shift = dims.length - from.length;
  return walk(dims, (index) => {
    let at = 0;
    for (let i = 0; i < from.length; i++) at += index[i + shift]! * strides[i]!;
    return values[at]!;
  });
}

/** One value per index of `dims`, in row-major order. */
function walk(dims: readonly number[], read: (index: readonly number[]) => number): number[] {
  const out = new Array<number>(sizeOf(dims));
  const index = dims.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = read(index);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis] = index[axis]! + 1;
      if (index[axis]! < dims[axis]!) break;
      index[axis] = 0;
    }
  }
  return out;
}

const map =
  (f: (x: number) => number): Fold =>
  ([x]) =>
    numbersOf(x as Tensor).map(f);

const zip =
  (f: (a: number, b: number, integer: boolean) => number): Fold =>
  (inputs, _, output) => {
    const integer = /int/.test(inputs[0]!.dtype);
    const [first, ...rest] = inputs.map((t) => spread(numbersOf(t), t.dims, output.dims)) as [
      number[],
      ...number[][],
    ];
    return rest.reduce((a, b) => a.map((value, i) => f(value, b[i]!, integer)), first);
  };

const same: Fold = ([x]) => numbersOf(x as Tensor);

/** Gathers `x` at positions computed from each output index. */
function pick(
  x: Tensor,
  output: ValueType,
  at: (index: readonly number[]) => readonly number[],
): number[] {
  const values = numbersOf(x);
  const strides = stridesOf(x.dims);
  return walk(output.dims, (index) => {
    const position = at(index);
    let offset = 0;
    for (let i = 0; i < position.length; i++) offset += position[i]! * strides[i]!;
    return values[offset]!;
  });
}

function reduceWith(join: (a: number, b: number) => number, start: number, mean = false): Fold {
  return ([x], scope, output) => {
    const input = x as Tensor;
    const axes = new Set(reduceAxes(scope));
    const values = numbersOf(input);
    const keptStrides = stridesOf(input.dims.map((dim, i) => (axes.has(i) ? 1 : dim)));
    const out = new Array<number>(sizeOf(output.dims)).fill(start);
    let i = 0;
    walk(input.dims, (index) => {
      let at = 0;
      for (let axis = 0; axis < index.length; axis++) {
        if (!axes.has(axis)) at += index[axis]! * keptStrides[axis]!;
      }
      out[at] = join(out[at]!, values[i++]!);
      return 0;
    });
    const count = values.length / out.length;
    return mean ? out.map((value) => value / count) : out;
  };
}

const folds: Record<string, Fold> = {
  Identity: same,
  Reshape: same,
  Flatten: same,
  Squeeze: same,
  Unsqueeze: same,
  Cast: ([x], _, output) => {
    const values = numbersOf(x as Tensor);
    return /int/.test(output.dtype) ? values.map(Math.trunc) : values;
  },
  NonZero: ([x], _, output) => {
    const found: number[][] = [];
    let i = 0;
    const values = numbersOf(x!);
    walk(x!.dims, (index) => {
      if (values[i++] !== 0) found.push([...index]);
      return 0;
    });
    return walk(output.dims, ([axis, which]) => found[which!]![axis!]!);
  },
  Neg: map((x) => -x),
  Abs: map(Math.abs),
  Sqrt: map(Math.sqrt),
  Exp: map(Math.exp),
  Log: map(Math.log),
  Sin: map(Math.sin),
  Cos: map(Math.cos),
  Reciprocal: map((x) => 1 / x),
  Floor: map(Math.floor),
  Ceil: map(Math.ceil),
  Not: map((x) => (x === 0 ? 1 : 0)),
  Add: zip((a, b) => a + b),
  Sub: zip((a, b) => a - b),
  Mul: zip((a, b) => a * b),
  Div: zip((a, b, integer) => (integer ? Math.trunc(a / b) : a / b)),
  // Like the divisor's sign, or, as in C, the dividend's.
  Mod: (inputs, scope, output, node) =>
    intAttr(node, 'fmod', 0) === 1
      ? zip((a, b) => a % b)(inputs, scope, output, node)
      : zip((a, b) => a - b * Math.floor(a / b))(inputs, scope, output, node),
  Pow: zip((a, b) => a ** b),
  Min: zip((a, b) => Math.min(a, b)),
  Max: zip((a, b) => Math.max(a, b)),
  Equal: zip((a, b) => Number(a === b)),
  Less: zip((a, b) => Number(a < b)),
  Greater: zip((a, b) => Number(a > b)),
  LessOrEqual: zip((a, b) => Number(a <= b)),
  GreaterOrEqual: zip((a, b) => Number(a >= b)),
  IsNaN: map((x) => Number(Number.isNaN(x))),
  Sign: map(Math.sign),
  And: zip((a, b) => Number(a !== 0 && b !== 0)),
  Or: zip((a, b) => Number(a !== 0 || b !== 0)),
  Where: ([c, x, y], _, output) => {
    const [condition, yes, no] = [c, x, y].map((t) =>
      spread(numbersOf(t as Tensor), (t as Tensor).dims, output.dims),
    );
    return (condition as number[]).map((value, i) => ((value ? yes : no) as number[])[i]!);
  },
  Concat: (inputs, _, output, node) => {
    const axis = (intAttr(node, 'axis', 0) + output.dims.length) % output.dims.length;
    const starts = inputs.map((_, i) =>
      inputs.slice(0, i).reduce((total, t) => total + t.dims[axis]!, 0),
    );
    const values = inputs.map(numbersOf);
    const strides = inputs.map((t) => stridesOf(t.dims));
    return walk(output.dims, (index) => {
      const along = index[axis]!;
      let which = inputs.length - 1;
      while (starts[which]! > along || inputs[which]?.dims[axis] === 0) which--;
      const offset = index.reduce(
        (at, value, i) => at + (i === axis ? along - starts[which]! : value) * strides[which]![i]!,
        0,
      );
      return values[which]![offset]!;
    });
  },
  Slice: ([x], scope, output) => {
    const ranges = sliceRanges(scope);
    return pick(x as Tensor, output, (index) => {
      const position = [...index];
      for (const { axis, start, step } of ranges) position[axis] = start + step * index[axis]!;
      return position;
    });
  },
  Transpose: ([x], _, output, node) => {
    const perm = intsAttr(node, 'perm') ?? output.dims.map((_, i) => output.dims.length - 1 - i);
    return pick(x as Tensor, output, (index) => {
      const position = new Array<number>(perm.length);
      perm.forEach((axis, i) => {
        position[axis] = index[i]!;
      });
      return position;
    });
  },
  Gather: ([x, where], _, output, node) => {
    const data = x as Tensor;
    const axis = (intAttr(node, 'axis', 0) + data.dims.length) % data.dims.length;
    const rows = numbersOf(where as Tensor);
    const rowStrides = stridesOf((where as Tensor).dims);
    const length = data.dims[axis]!;
    return pick(data, output, (index) => {
      const rank = rowStrides.length;
      let at = 0;
      for (let i = 0; i < rank; i++) at += index[axis + i]! * rowStrides[i]!;
      const row = rows[at]!;
      return [...index.slice(0, axis), row < 0 ? row + length : row, ...index.slice(axis + rank)];
    });
  },
  GatherND: ([x, where], _, output) => {
    const data = x!;
    const depth = where!.dims.at(-1)!;
    const places = numbersOf(where!);
    const rows = where!.dims.length - 1;
    const strides = stridesOf(where!.dims);
    return pick(data, output, (index) => {
      const at = index.slice(0, rows).reduce((sum, value, i) => sum + value * strides[i]!, 0);
      const place = places.slice(at, at + depth);
      return [
        ...place.map((value, i) => (value < 0 ? value + data.dims[i]! : value)),
        ...index.slice(rows),
      ];
    });
  },
  Trilu: (inputs, _, output, node) => {
    const [x, k] = inputs;
    const shift = k ? numbersOf(k)[0]! : 0;
    const upper = intAttr(node, 'upper', 1) === 1;
    const values = numbersOf(x!);
    let i = 0;
    return walk(output.dims, (index) => {
      const beyond = index.at(-1)! - index.at(-2)! - shift;
      const value = values[i++]!;
      return (upper ? beyond >= 0 : beyond <= 0) ? value : 0;
    });
  },
  Expand: ([x], _, output) => spread(numbersOf(x as Tensor), (x as Tensor).dims, output.dims),
  Tile: ([x], _, output) =>
    pick(x as Tensor, output, (index) => index.map((value, i) => value % (x as Tensor).dims[i]!)),
  ConstantOfShape: (_inputs, _, output, node) => {
    const value = node.attributes.value;
    const fill = value?.kind === 'tensor' ? numbersOf(value.value)[0]! : 0;
    return new Array<number>(sizeOf(output.dims)).fill(fill);
  },
  Range: ([start, , step], _, output) => {
    const first = numbersOf(start as Tensor)[0]!;
    const delta = numbersOf(step as Tensor)[0]!;
    return Array.from({ length: output.dims[0]! }, (_, i) => first + i * delta);
  },
  ReduceSum: reduceWith((a, b) => a + b, 0),
  ReduceProd: reduceWith((a, b) => a * b, 1),
  ReduceMax: reduceWith(Math.max, Number.NEGATIVE_INFINITY),
  ReduceMin: reduceWith(Math.min, Number.POSITIVE_INFINITY),
  ReduceMean: reduceWith((a, b) => a + b, 0, true),
};

/**
 * The value of a single-output node whose inputs are all known, or undefined when it is not folded.
 */
export function foldNode(
  node: Node,
  inputs: readonly (Tensor | undefined)[],
  scope: InferScope,
  output: ValueType,
): Tensor | undefined {
  const fold = folds[node.op];
  if (!fold || node.outputs.length !== 1 || sizeOf(output.dims) > foldLimit) return undefined;
  if (!inputs.every((input): input is Tensor => input !== undefined)) return undefined;
  if (inputs.some((input) => input.dtype === 'bfloat16')) return undefined;
  return tensorOf(output.dtype, output.dims, fold([...inputs], scope, output, node));
}
