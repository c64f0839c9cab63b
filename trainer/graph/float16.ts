/**
 * @file The two 16-bit floating point formats, to and from float32. Knows nothing of graphs.
 */
import { type Dtype, type Tensor, tensor } from './tensor';

const scratch = new DataView(new ArrayBuffer(4));

/** Value of an IEEE 754 half-precision number given as its 16 bits. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * The 16 bits of the half-precision number nearest to `value` (ties to even, overflow to infinity).
 */
export function numberToFloat16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 the result is subnormal: adding 0.5 makes the float32 adder round at 2^-24.
    scratch.setUint32(0, magnitude);
    const shifted = Math.fround(scratch.getFloat32(0) + 0.5);
    scratch.setFloat32(0, shifted);
    return sign | (scratch.getUint32(0) - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** Value of a bfloat16 number given as its 16 bits: the upper half of a float32. */
export function bfloat16ToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** The elements of a tensor of any type as float32 (shared when they are already). */
export function toFloat32(value: Tensor): Float32Array {
  switch (value.dtype) {
    case 'float32':
      return value.data;
    case 'float16':
      return Float32Array.from(value.data, float16ToNumber);
    case 'bfloat16':
      return Float32Array.from(value.data, bfloat16ToNumber);
    case 'int64':
    case 'uint64':
      return Float32Array.from(value.data as BigInt64Array, Number);
    default:
      return Float32Array.from(value.data);
  }
}

/** Float32 values as a tensor of the given floating point type (shared when it is float32 too). */
export function fromFloat32(dtype: Dtype, dims: readonly number[], values: Float32Array): Tensor {
  switch (dtype) {
    case 'float32':
      return tensor('float32', dims, values);
    case 'float64':
      return tensor('float64', dims, Float64Array.from(values));
    case 'float16':
      return tensor('float16', dims, Uint16Array.from(values, numberToFloat16));
    default:
      throw new TypeError(
        `Float32 values cannot become ${dtype}: use float32, float64 or float16.`,
      );
  }
}
