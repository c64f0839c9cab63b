/**
 * @file Attention found by its structure: softmax(scale·q·kᵀ)·v, whatever exporter spelled it, and
 * without a mask.
 */
import type { Builder, Value } from '../builder';
import { intAttr, type Node } from '../model';
import { numbersOf } from '../numbers';
import { sameDims, sizeOf } from '../tensor';

/** An attention as the graph spells it. */
export interface AttentionSite {
  /** The product that mixes values, whose output is the attention's. */
  mixed: Node;
  /** q, kᵀ and v as the graph has them, without what scales them. */
  parts: readonly [Value, Value, Value];
  scale: number;
  /** Probability matrices: one for each head of each row. */
  count: number;
  queries: number;
  keys: number;
  /** All that is computed on the way to `mixed`, and is no more once it is fused. */
  within: ReadonlySet<Value>;
}

/** Unmasked attentions in float32, in graph order. */
export function findAttention(b: Builder): AttentionSite[] {
  return b.graph.nodes.flatMap((node) => foundAt(b, node) ?? []);
}

function foundAt(b: Builder, mixed: Node): AttentionSite | undefined {
  if (mixed.op !== 'MatMul') return undefined;
  const [shares, v] = mixed.inputs as [Value, Value];
  const softmax = b.producer(unchanged(b, shares));
  if (softmax?.op !== 'Softmax' || b.dtype(shares) !== 'float32') return undefined;
  const dims = b.dims(softmax.outputs[0]!);
  const rank = dims.length;
  const axis = intAttr(softmax, 'axis', -1);
  if (rank < 2 || (axis !== -1 && axis !== rank - 1)) return undefined;
  const scores = unscaled(b, softmax.inputs[0]!);
  const product = b.producer(scores.value);
  if (product?.op !== 'MatMul') return undefined;
  const q = unscaled(b, product.inputs[0]!);
  const k = unscaled(b, product.inputs[1]!);
  const around = dims.slice(0, -2);
  const whole = [q.value, k.value, v].every(
    (part) => b.dims(part).length === rank && sameDims(b.dims(part).slice(0, -2), around),
  );
  const [queries, keys] = dims.slice(-2) as [number, number];
  if (!whole || !sameDims(b.dims(scores.value), dims)) return undefined;
  const parts = [q.value, k.value, v] as const;
  return {
    mixed,
    parts,
    within: new Set([
      ...between(b, [shares], new Set(parts)),
      ...parts.flatMap((x) => turned(b, x)),
    ]),
    scale: scores.scale * q.scale * k.scale,
    count: sizeOf(around),
    queries,
    keys,
  };
}

/** `values` and what they are made of, down to `ends`, which are not among them. */
function between(b: Builder, values: readonly Value[], ends: ReadonlySet<Value>): Value[] {
  return values
    .filter((value) => !ends.has(value))
    .flatMap((value) => [value, ...between(b, b.producer(value)?.inputs ?? [], ends)]);
}

/** A value, and those of which it is another view: whoever turns it once more may skip them. */
function turned(b: Builder, value: Value): Value[] {
  const made = b.producer(value);
  const view = made?.op === 'Reshape' || made?.op === 'Transpose';
  return view ? [value, ...turned(b, made.inputs[0]!)] : [];
}

/** A value without the constant factors, and the zeros, put on it. */
function unscaled(b: Builder, value: Value): { value: Value; scale: number } {
  let scale = 1;
  let inner = value;
  for (;;) {
    inner = unchanged(b, inner);
    const made = b.producer(inner);
    const [x, y] = (made?.inputs ?? []) as [Value, Value];
    if (made?.op === 'Mul' && factor(b, y) !== undefined) {
      scale *= factor(b, y)!;
      inner = x;
    } else if (made?.op === 'Mul' && factor(b, x) !== undefined) {
      scale *= factor(b, x)!;
      inner = y;
    } else if (made?.op === 'Div' && factor(b, y) !== undefined) {
      scale /= factor(b, y)!;
      inner = x;
    } else if (made?.op === 'Add' && isZero(b, y) && sameDims(b.dims(x), b.dims(inner))) inner = x;
    else if (made?.op === 'Add' && isZero(b, x) && sameDims(b.dims(y), b.dims(inner))) inner = y;
    else return { value: inner, scale };
  }
}

/** A value before casts to the type that it has. */
function unchanged(b: Builder, value: Value): Value {
  const made = b.producer(value);
  const nothing =
    made?.op === 'Identity' || (made?.op === 'Cast' && b.dtype(made.inputs[0]!) === b.dtype(value));
  return nothing ? unchanged(b, made.inputs[0]!) : value;
}

/** The number that a constant of one element is. */
function factor(b: Builder, value: Value): number | undefined {
  const constant = b.constantOf(value);
  return constant && sizeOf(constant.dims) === 1 ? numbersOf(constant)[0] : undefined;
}

/** Nothing, as torch's older exporter adds it: an empty tensor times 0. */
function isZero(b: Builder, value: Value): boolean {
  const constant = b.constantOf(value);
  if (constant) return numbersOf(constant).every((number) => number === 0);
  const made = b.producer(value);
  if (made?.op === 'Mul') return made.inputs.some((input) => isZero(b, input));
  const filled = made?.op === 'Expand' || made?.op === 'Cast' || made?.op === 'Identity';
  if (filled) return isZero(b, made.inputs[0]!);
  const { value: fill } = made?.op === 'ConstantOfShape' ? made.attributes : {};
  if (made?.op !== 'ConstantOfShape') return false;
  return fill?.kind !== 'tensor' || numbersOf(fill.value)[0] === 0;
}
