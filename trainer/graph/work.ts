/** @file Counting a static graph's arithmetic and bytes. */
import type { Builder } from './builder';
import { intAttr, type Node, type ValueType } from './model';
import { elementBytes, sizeOf } from './tensor';

/**
 * Floating-point operations (a multiply-add is two) of a matrix product, convolution or attention
 * in a graph under construction; 0 of all else.
 */
export function operationsOf(b: Builder, node: Node): number {
  const dims = (i: number) => b.dims(node.inputs[i]!);
  const output = sizeOf(b.dims(node.outputs[0]!));
  switch (node.op) {
    case 'MatMul':
      return 2 * output * (dims(0).at(-1) as number);
    case 'Gemm':
      return 2 * output * dims(0)[intAttr(node, 'transA', 0) ? 0 : 1]!;
    case 'Conv':
      return 2 * output * sizeOf(dims(1).slice(1));
    case 'ConvTranspose':
      return 2 * sizeOf(dims(0)) * sizeOf(dims(1).slice(1));
    case 'MultiHeadAttention':
      return 2 * dims(1)[1]! * (sizeOf(dims(0)) + output);
    default:
      return 0;
  }
}

export function bytesOfType({ dtype, dims }: ValueType): number {
  return elementBytes(dtype) * sizeOf(dims);
}
