/**
 * @file Tensors as plain values: an element type, dimensions, and a typed array in row-major order.
 * Everything else in the trainer (initializers, feeds, fetches, files) speaks in these. Knows
 * nothing of graphs.
 */

/** Element type → the typed array that holds it. The 16-bit floats are held as their raw bits. */
export interface DataOf {
  float64: Float64Array;
  float32: Float32Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int16: Int16Array;
  int8: Int8Array;
  uint64: BigUint64Array;
  uint32: Uint32Array;
  uint16: Uint16Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

export type Dtype = keyof DataOf;

interface TensorOf<D extends Dtype> {
  readonly dtype: D;
  readonly dims: readonly number[];
  readonly data: DataOf[D];
}

/** A tensor of one element type, or, without a parameter, of any (narrow it by `dtype`). */
export type Tensor<D extends Dtype = Dtype> = { [K in D]: TensorOf<K> }[D];

type ArrayConstructor<A> = {
  new (length: number): A;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
  readonly BYTES_PER_ELEMENT: number;
};

const arrays: { [D in Dtype]: ArrayConstructor<DataOf[D]> } = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** Every element type, in a fixed order. */
export const dtypes = Object.keys(arrays) as readonly Dtype[];

/** True when `name` is an element type of this module. */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(arrays, name);
}

/** Bytes of one element. */
export function elementBytes(dtype: Dtype): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/** Dimensions as text, for messages: `[2,4,8,8]`, and `[]` for a scalar. */
export function formatDims(dims: readonly (number | string)[]): string {
  return `[${dims.join(',')}]`;
}

/** Number of elements of a shape; 1 for a scalar (`[]`). Throws on a dimension that is no size. */
export function sizeOf(dims: readonly number[]): number {
  let size = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new RangeError(
        `Dimension ${dim} of ${formatDims(dims)} is no size: give integers ≥ 0.`,
      );
    }
    size *= dim;
  }
  return size;
}

/** True when both shapes are equal. */
export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** A tensor over `data` (not copied). Throws when the array's type or length does not fit. */
export function tensor<D extends Dtype>(
  dtype: D,
  dims: readonly number[],
  data: DataOf[D],
): Tensor<D> {
  const wanted = arrays[dtype];
  if (wanted === undefined) {
    throw new TypeError(`Unknown element type "${dtype}": use one of ${dtypes.join(', ')}.`);
  }
  if (!(data instanceof (wanted as unknown as new () => unknown))) {
    const given = (data as object)?.constructor?.name ?? typeof data;
    const hint = (wanted as unknown as { name: string }).name;
    throw new TypeError(`A ${dtype} tensor holds a ${hint}, not a ${given}.`);
  }
  const size = sizeOf(dims);
  if (data.length !== size) {
    throw new RangeError(
      `A ${dtype} tensor of shape ${formatDims(dims)} holds ${size} elements, but its data has ${data.length}.`,
    );
  }
  return { dtype, dims: [...dims], data } as Tensor<D>;
}

/** A tensor of zeros. */
export function zeros<D extends Dtype>(dtype: D, dims: readonly number[]): Tensor<D> {
  return tensor(dtype, dims, new arrays[dtype](sizeOf(dims)));
}

/** A float32 tensor; a Float32Array is taken as it is, other numbers are copied and rounded. */
export function float32(
  dims: readonly number[],
  values: Float32Array | readonly number[],
): Tensor<'float32'> {
  return tensor(
    'float32',
    dims,
    values instanceof Float32Array ? values : Float32Array.from(values),
  );
}

/** An int64 tensor from integers. */
export function int64(
  dims: readonly number[],
  values: BigInt64Array | readonly (number | bigint)[],
): Tensor<'int64'> {
  const data = values instanceof BigInt64Array ? values : BigInt64Array.from(values, BigInt);
  return tensor('int64', dims, data);
}

/** The tensor's elements as little-endian bytes, sharing its memory. */
export function bytesOf(value: Tensor): Uint8Array {
  return new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength);
}

/**
 * A tensor over little-endian `bytes`; shares their memory when it is aligned for the type, copies
 * it otherwise. Throws when the number of bytes does not fit the shape.
 */
export function tensorFromBytes<D extends Dtype>(
  dtype: D,
  dims: readonly number[],
  bytes: Uint8Array,
): Tensor<D> {
  const size = sizeOf(dims);
  const width = elementBytes(dtype);
  if (bytes.byteLength !== size * width) {
    throw new RangeError(
      `A ${dtype} tensor of shape ${formatDims(dims)} takes ${size * width} bytes, but ${bytes.byteLength} were given.`,
    );
  }
  // Not bytes.slice(): on a Buffer that is a view, as unaligned as before.
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return tensor(dtype, dims, new arrays[dtype](aligned.buffer, aligned.byteOffset, size));
}

/** A tensor of the same data in another shape with as many elements. */
export function reshaped<D extends Dtype>(value: Tensor<D>, dims: readonly number[]): Tensor<D> {
  return tensor<D>(value.dtype, dims, value.data as DataOf[D]);
}

/** Narrows a tensor to one element type, or throws naming `what` it is. */
export function expectDtype<D extends Dtype>(value: Tensor, dtype: D, what: string): Tensor<D> {
  if (value.dtype !== dtype) {
    throw new TypeError(`${what} must be a ${dtype} tensor, but is ${value.dtype}.`);
  }
  return value as Tensor<D>;
}

/** Arrays one after the other. */
export function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
