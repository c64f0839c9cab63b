/**
 * @file Graphs of older operator sets in the forms of opset 18, in which everything here is
 * written: graphs that become one have one opset. Source: the changelog of operators in onnx/onnx
 * (docs/Changelog.md).
 */
import { type Graph, GraphError, type Node } from '../model';
import { int64 } from '../tensor';

/** Operators whose axes became an input with opset 18. */
const reductions = new Set(
  'ReduceMax ReduceMean ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare'.split(
    ' ',
  ),
);

const oldest = 13;
const wanted = 18;

/**
 * The graph itself where it is of opset 18 or later, else a copy in the forms of 18. @throws
 * GraphError below opset 13
 */
export function atOpset18(graph: Graph): Graph {
  const opset = graph.opsets[''] ?? wanted;
  if (opset >= wanted) return graph;
  if (opset < oldest) {
    throw new GraphError(
      `${graph.source} is written in opset ${opset}, of which some operators mean other things today. Export it with opset ${wanted}.`,
    );
  }
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.map((node, i): Node => {
    if (node.domain !== '') return node;
    if (node.op === 'Split' && !node.inputs[1]) {
      const count = { kind: 'int', value: node.outputs.length } as const;
      return { ...node, attributes: { ...node.attributes, num_outputs: count } };
    }
    const { axes, ...attributes } = node.attributes;
    if (!reductions.has(node.op) || axes?.kind !== 'ints') return node;
    const name = `${node.outputs[0]}_axes_${i}`;
    constants.set(name, int64([axes.value.length], axes.value));
    return { ...node, inputs: [node.inputs[0]!, name], attributes };
  });
  return { ...graph, nodes, constants, opsets: { ...graph.opsets, '': wanted } };
}
