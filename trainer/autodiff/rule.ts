/** @file What a gradient rule sees, and the few moves that most rules share. */
import type { Builder, Value } from '@/trainer/graph/builder';
import { inferScope } from '@/trainer/graph/infer';
import type { InferScope } from '@/trainer/graph/infer-scope';
import { GraphError, type Node, place } from '@/trainer/graph/model';
import { normalAxis } from '@/trainer/graph/numbers';
import { float32, sameDims, sizeOf } from '@/trainer/graph/tensor';

/** Gradients of a node's inputs, in their order; undefined where none flows. */
export type InputGradients = (Value | undefined)[];

/** A reverse-mode rule: from the gradients of a node's outputs to those of its inputs. */
export type Rule = (r: RuleScope) => InputGradients;

export class RuleScope {
  readonly x: readonly Value[];
  readonly y: readonly Value[];

  constructor(
    readonly b: Builder,
    readonly node: Node,
    /** Gradients of the outputs; undefined for an output nothing differentiable reads. */
    readonly gradients: readonly (Value | undefined)[],
    private readonly wanted: ReadonlySet<Value>,
    /** What the node reads, of which some may be computed again. */
    x: readonly Value[] = node.inputs,
  ) {
    this.x = x;
    this.y = node.outputs;
  }

  /** Gradient of the first output. */
  get g(): Value {
    return this.gradients[0] ?? this.fail('no gradient reaches its first output');
  }

  /** Whether input `i` is on a path from a value that gradients were asked for. */
  needs(i: number): boolean {
    return this.wants(this.x[i]);
  }

  /** Whether a value is on a path from one that gradients were asked for. */
  wants(value: Value | undefined): boolean {
    return this.wanted.has(value ?? '');
  }

  input(i: number): Value {
    return this.x[i] || this.fail(`input ${i} is missing`);
  }

  dims(i: number): readonly number[] {
    return this.b.dims(this.input(i));
  }

  /** A scalar constant of the element type of the node's first input. */
  scalar(value: number): Value {
    return this.b.scalar(value, this.b.dtype(this.input(0)));
  }

  axis(value: number, rank: number): number {
    return normalAxis(value, rank) ?? this.fail(`axis ${value} lies outside rank ${rank}`);
  }

  /** The same view of the node that shape rules have: constant inputs as numbers. */
  get shapes(): InferScope {
    const { b, node } = this;
    return inferScope(
      b.graph,
      node,
      node.inputs.map((input) => (input ? b.type(input) : undefined)),
      node.inputs.map((input) => (input ? b.constantOf(input) : undefined)),
    );
  }

  fail(message: string): never {
    throw new GraphError(`${place(this.b.graph, this.node)} cannot be differentiated: ${message}.`);
  }
}

/** Sums `g` over the axes along which an operand of shape `dims` was broadcast. */
export function unbroadcast(b: Builder, g: Value, dims: readonly number[]): Value {
  const from = b.dims(g);
  if (sameDims(from, dims)) return g;
  const lead = from.length - dims.length;
  const axes = from.flatMap((dim, axis) =>
    axis < lead || (dim !== 1 && dims[axis - lead] === 1) ? [axis] : [],
  );
  return b.reshape(sumOver(b, g, axes), dims);
}

/**
 * Sums over axes and drops them. ONNX Runtime reduces fast along the last axes only: leading ones
 * are summed as a product with a row of ones, and what lies around a channel axis in two passes.
 */
export function sumOver(b: Builder, value: Value, axes: readonly number[]): Value {
  const dims = b.dims(value);
  const kept = dims.filter((_, axis) => !axes.includes(axis));
  const lead = axes.length;
  if (b.dtype(value) !== 'float32' || kept.length === 0) return b.reduceSum(value, axes, false);
  if (axes.every((axis, i) => axis === i)) {
    const rows = sizeOf(dims.slice(0, lead));
    const ones = b.tensor(float32([1, rows], new Float32Array(rows).fill(1)));
    const summed = b.op('Gemm', [ones, b.reshape(value, [rows, sizeOf(kept)])]);
    return b.reshape(summed, kept);
  }
  const around = axes.every((axis, i) => axis === (i === 0 ? 0 : i + 1));
  if (!around || lead !== dims.length - 1) return b.reduceSum(value, axes, false);
  const [n, channels] = dims as [number, number];
  const flat = b.reshape(value, [n, channels, sizeOf(dims.slice(2))]);
  return b.reduceSum(b.reduceSum(flat, [2], false), [0], false);
}

/** Swaps the last two axes. */
export function swapLast(b: Builder, value: Value): Value {
  const rank = b.dims(value).length;
  const perm = Array.from({ length: rank }, (_, i) => i);
  perm.push(...(perm.splice(-2).reverse() as [number, number]));
  return b.transpose(value, perm);
}

/** Maps one axis of `value` by a constant matrix `[to, from]` (row-major). */
export function mapAxis(
  b: Builder,
  value: Value,
  axis: number,
  matrix: Float32Array,
  to: number,
): Value {
  const dims = b.dims(value);
  const from = dims[axis]!;
  const before = dims.slice(0, axis).reduce((a, c) => a * c, 1);
  const after = dims.slice(axis + 1).reduce((a, c) => a * c, 1);
  const flat = b.reshape(value, [before, from, after]);
  const mapped = b.matmul(b.tensor(float32([to, from], matrix)), flat);
  return b.reshape(mapped, [...dims.slice(0, axis), to, ...dims.slice(axis + 1)]);
}

/** The transpose of a row-major `rows`×`columns` matrix. */
export function transposeMatrix(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j]!;
  }
  return out;
}

/** Zeros of a shape; large ones are made while running instead of being stored. */
export function zerosOf(b: Builder, like: Value, dims: readonly number[]): Value {
  return b.expand(b.scalar(0, b.dtype(like)), dims);
}

/** Pads axis `axis` with zeros: `before` at its start, `after` at its end. */
export function padAxis(
  b: Builder,
  value: Value,
  axis: number,
  before: number,
  after: number,
): Value {
  if (before === 0 && after === 0) return value;
  const rank = b.dims(value).length;
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = before;
  pads[axis + rank] = after;
  return b.op('Pad', [value, b.ints(pads)]);
}

/** One number of a value, [1]. */
export function elementOf(b: Builder, value: Value): Value {
  return b.slice(b.reshape(value, [sizeOf(b.dims(value))]), 0, 0, 1);
}

/**
 * `value`, but not before `number` is known. ONNX Runtime orders nodes by what they depend on, and
 * would compute as soon as it can what the backward pass is to compute again, or take it for what
 * has been; no number is more than infinity, but it cannot know.
 */
export function later(b: Builder, number: Value, value: Value): Value {
  const never = b.op('Greater', [number, b.scalar(Number.POSITIVE_INFINITY)]);
  return b.where(never, number, value);
}
