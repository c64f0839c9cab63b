/** @file Counting a static graph's arithmetic: the floor that a measured time is compared with. */
import type { Builder } from '@/trainer/graph/builder';
import { intAttr, type Node } from '@/trainer/graph/model';
import { sizeOf } from '@/trainer/graph/tensor';

/**
 * Floating-point operations (a multiply-add is two) of the matrix products and convolutions in a
 * graph under construction.
 */
export function floatingPointOperations(b: Builder): number {
  return b.graph.nodes.reduce((total, node) => total + operationsOf(b, node), 0);
}

function operationsOf(b: Builder, node: Node): number {
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
    default:
      return 0;
  }
}
