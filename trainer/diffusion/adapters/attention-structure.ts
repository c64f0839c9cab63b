/**
 * @file Finding attention projections by structure, for graphs whose node names say nothing: around
 * every Softmax, the products with constant weights that make query, key and value, and the one
 * that takes the result.
 */
import type { Graph, Node } from '@/trainer/graph/model';

/** Operators that only move, scale or shift what passes through. */
const passing = new Set([
  'Reshape',
  'Transpose',
  'Mul',
  'Div',
  'Add',
  'Cast',
  'Identity',
  'Unsqueeze',
  'Squeeze',
  'Expand',
]);

/**
 * Projection nodes by their key: `PATH.to_q`, `.to_k`, `.to_v`, `.to_out.0`. The path is that of
 * one of them in `named`; where none has a name it is made up from the order, `attention.0`.
 */
export function attentionProjections(
  graph: Graph,
  named: ReadonlyMap<Node, string> = new Map(),
): Map<Node, string> {
  const makers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)),
  );
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  const isConstant = (name: string): boolean => {
    const maker = makers.get(name);
    if (!maker) return graph.constants.has(name);
    return (
      maker.op === 'Constant' ||
      (passing.has(maker.op) && maker.inputs.every((input) => !input || isConstant(input)))
    );
  };
  const isProjection = (node: Node) => node.op === 'MatMul' && isConstant(node.inputs[1]!);
  const isProduct = (node: Node) => node.op === 'MatMul' && !isConstant(node.inputs[1]!);

  /**
   * The nearest node upstream that `wanted` accepts, through operators that only pass values on.
   */
  const upstream = (name: string, wanted: (node: Node) => boolean): Node | undefined => {
    const maker = makers.get(name);
    if (!maker || wanted(maker)) return maker;
    if (!passing.has(maker.op)) return undefined;
    const data = maker.inputs.find((input) => input && !isConstant(input));
    return data ? upstream(data, wanted) : undefined;
  };
  const downstream = (name: string, wanted: (node: Node) => boolean): Node | undefined => {
    for (const reader of readers.get(name) ?? []) {
      if (wanted(reader)) return reader;
      const found = passing.has(reader.op) ? downstream(reader.outputs[0]!, wanted) : undefined;
      if (found) return found;
    }
    return undefined;
  };

  const found = new Map<Node, string>();
  let count = 0;
  for (const softmax of graph.nodes.filter((node) => node.op === 'Softmax')) {
    const scores = upstream(softmax.inputs[0]!, isProduct);
    const mixed = downstream(softmax.outputs[0]!, isProduct);
    if (!scores || !mixed) continue;
    const projections = {
      to_q: upstream(scores.inputs[0]!, isProjection),
      to_k: upstream(scores.inputs[1]!, isProjection),
      to_v: upstream(mixed.inputs[1]!, isProjection),
      'to_out.0': downstream(mixed.outputs[0]!, isProjection),
    };
    if (!Object.values(projections).every(Boolean)) continue;
    const [path = `attention.${count}`] = Object.entries(projections).flatMap(([name, node]) => {
      const key = named.get(node!);
      return key?.endsWith(`.${name}`) ? [key.slice(0, -name.length - 1)] : [];
    });
    for (const [name, node] of Object.entries(projections)) found.set(node!, `${path}.${name}`);
    count++;
  }
  return found;
}
