/** @file Counting a static graph's arithmetic: the floor that a measured time is compared with. */
import { Builder } from '@/trainer/graph/builder';
import { footprintOf, peakBytes } from '@/trainer/graph/footprint';
import { inline } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { operationsOf } from '@/trainer/graph/work';

/**
 * Floating-point operations (a multiply-add is two) of the matrix products and convolutions in a
 * graph under construction.
 */
export function floatingPointOperations(b: Builder): number {
  return b.graph.nodes.reduce((total, node) => total + operationsOf(b, node), 0);
}

/** Nodes and arithmetic of a graph by operator, and the memory that a run is to take. */
export function counted(graph: Graph) {
  const b = new Builder(graph.name);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }) => [name, b.input(name, dtype, dims as number[])]),
  );
  const outputs = inline(b, graph, { feeds });
  for (const { name } of graph.outputs) b.output(outputs[name]!);
  const work: Record<string, { nodes: number; gflop: number }> = {};
  for (const node of b.graph.nodes) {
    work[node.op] ??= { nodes: 0, gflop: 0 };
    const kind = work[node.op]!;
    kind.nodes++;
    kind.gflop += operationsOf(b, node) / 1e9;
  }
  const footprint = footprintOf(b, b.graph);
  const togetherMib = peakBytes(footprint) / 2 ** 20;
  const privateMib = togetherMib - footprint.weightBytes / 2 ** 20;
  return { work, predicted: { privateMib, togetherMib } };
}
