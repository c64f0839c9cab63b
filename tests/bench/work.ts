/** @file Counting a static graph's arithmetic: the floor that a measured time is compared with. */
import { Builder } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { type Graph, intAttr, type Node } from '@/trainer/graph/model';
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

/** Nodes and arithmetic of a graph by operator. */
export function workByKind(graph: Graph): Record<string, { nodes: number; gflop: number }> {
  const b = new Builder(graph.name);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }) => [name, b.input(name, dtype, dims as number[])]),
  );
  inline(b, graph, { feeds });
  const kinds: Record<string, { nodes: number; gflop: number }> = {};
  for (const node of b.graph.nodes) {
    kinds[node.op] ??= { nodes: 0, gflop: 0 };
    const kind = kinds[node.op]!;
    kind.nodes++;
    kind.gflop += operationsOf(b, node) / 1e9;
  }
  return kinds;
}
