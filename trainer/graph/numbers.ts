/**
 * @file Plain-number views of small tensors: what shape arithmetic and constant folding compute
 * with.
 */

import { float16ToNumber, numberToFloat16 } from './float16';
import { type Dtype, type Tensor, tensor } from './tensor';

/** The elements as JavaScript numbers (64-bit integers beyond 2^53 lose their last digits). */
export function numbersOf(value: Tensor): number[] {
  if (value.dtype === 'float16') return Array.from(value.data, float16ToNumber);
  return Array.from(value.data as ArrayLike<number | bigint>, Number);
}

const longMax = 2n ** 63n - 1n;

function toLong(value: number): bigint {
  if (value >= 9.2e18) return longMax; // ONNX's "to the end" survives the trip through a double
  if (value <= -9.2e18) return -longMax;
  return BigInt(Math.trunc(value));
}

/** A tensor of `dtype` from numbers, rounded as ONNX's Cast does (toward zero for integers). */
export function tensorOf(dtype: Dtype, dims: readonly number[], values: readonly number[]): Tensor {
  switch (dtype) {
    case 'float32':
      return tensor(dtype, dims, Float32Array.from(values));
    case 'float64':
      return tensor(dtype, dims, Float64Array.from(values));
    case 'float16':
      return tensor(dtype, dims, Uint16Array.from(values, numberToFloat16));
    case 'int64':
      return tensor(dtype, dims, BigInt64Array.from(values, toLong));
    case 'int32':
      return tensor(dtype, dims, Int32Array.from(values, Math.trunc));
    case 'bool':
      return tensor(
        dtype,
        dims,
        Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)),
      );
    case 'uint8':
      return tensor(dtype, dims, Uint8Array.from(values, Math.trunc));
    case 'int8':
      return tensor(dtype, dims, Int8Array.from(values, Math.trunc));
    default:
      throw new TypeError(
        `Constants of type ${dtype} cannot be made from numbers: cast them first.`,
      );
  }
}

/** Row-major strides of a shape, in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= dims[axis]!;
  }
  return strides;
}

/**
 * The shape that two shapes broadcast to, or undefined when they do not fit (ONNX multidirectional
 * broadcasting).
 */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const dims = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    dims[i] = x === 1 ? y : x;
  }
  return dims;
}

/** An axis counted from the front; undefined when it lies outside the rank. */
export function normalAxis(axis: number, rank: number): number | undefined {
  const normal = axis < 0 ? axis + rank : axis;
  return normal >= 0 && normal < rank ? normal : undefined;
}
