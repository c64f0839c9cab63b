/** @file ONNX's element type numbers (TensorProto.DataType). */
import type { Dtype } from '../tensor';

const numbers: Record<Dtype, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name as Dtype]));

/** The ONNX number of an element type. */
export function dtypeNumber(dtype: Dtype): number {
  return numbers[dtype];
}

/**
 * The element type of an ONNX number, or undefined for one that Darkroom does not hold (strings,
 * float8, …).
 */
export function dtypeOf(number: number): Dtype | undefined {
  return names.get(number);
}
