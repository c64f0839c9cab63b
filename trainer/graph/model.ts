/**
 * @file The graph that the trainer rewrites: an ONNX graph as plain data.
 * Knows tensors and names; nothing of protobuf, of shapes' meaning or of diffusion.
 */
import type { Dtype, Tensor } from './tensor';

/**
 * A dimension is a number once it is static; a string is ONNX's symbolic name ('' when unnamed).
 */
export interface ValueType {
  dtype: Dtype;
  dims: readonly number[];
}

/** A graph input or output as declared in the file: its dimensions may still be symbolic. */
export interface Port {
  name: string;
  dtype: Dtype;
  dims: readonly (number | string)[];
}

/**
 * One attribute of a node. `raw` keeps an attribute Darkroom does not interpret (subgraphs, types).
 */
export type Attribute =
  | { kind: 'int'; value: number }
  | { kind: 'float'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'tensor'; value: Tensor }
  | { kind: 'ints'; value: number[] }
  | { kind: 'floats'; value: number[] }
  | { kind: 'strings'; value: string[] }
  | { kind: 'raw'; value: Uint8Array };

export interface Node {
  name: string;
  op: string;
  /** '' is ai.onnx. */
  domain: string;
  /** '' marks an optional input left out. */
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
  /** Protobuf fields this reader does not know, kept for writing. */
  unknown?: Uint8Array;
}

/** A constant whose bytes stay in a file beside the model (ONNX external data). */
export interface ExternalTensor {
  dtype: Dtype;
  dims: readonly number[];
  external: { location: string; offset: number; length: number };
}

export type Constant = Tensor | ExternalTensor;

/**
 * The operator set in which everything here is written: the newest for which every device of ONNX
 * Runtime has kernels. `translate` brings what is read to it.
 */
export const coreOpset = 18;

export interface Graph {
  name: string;
  /** Where it was read from: errors name it. */
  source: string;
  irVersion: number;
  /** Operator set version per domain; '' is ai.onnx. */
  opsets: Record<string, number>;
  inputs: Port[];
  outputs: Port[];
  /** In topological order. */
  nodes: Node[];
  constants: Map<string, Constant>;
  /** Where external data is named from; the folder of `source` unless told. */
  dataFolder?: string;
  unknown?: { model?: Uint8Array; graph?: Uint8Array };
}

/**
 * A graph that cannot be read, rewritten or differentiated: says which file, node and operator, and
 * what to do.
 */
export class GraphError extends Error {
  override name = 'GraphError';
}

/** `file, node "…" (Op)`: the place an error speaks of. */
export function place(
  graph: { source: string },
  node?: Pick<Node, 'name' | 'op' | 'outputs'>,
): string {
  if (!node) return graph.source;
  return `${graph.source}, node "${node.name || node.outputs[0]}" (${node.op})`;
}

export function isExternal(constant: Constant): constant is ExternalTensor {
  return 'external' in constant;
}

/** An integer attribute, or `fallback`. */
export function intAttr(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.kind === 'int' ? attribute.value : fallback;
}

/** A float attribute, or `fallback`. */
export function floatAttr(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.kind === 'float' ? attribute.value : fallback;
}

/** A string attribute, or `fallback`. */
export function stringAttr(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes[name];
  return attribute?.kind === 'string' ? attribute.value : fallback;
}

/** An integer-list attribute, or undefined. */
export function intsAttr(node: Node, name: string): number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === 'ints' ? attribute.value : undefined;
}

/** Drops nodes and constants that no output needs. Returns the same graph object. */
export function prune(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const kept: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((output) => needed.has(output))) continue;
    kept.push(node);
    for (const input of node.inputs) if (input) needed.add(input);
  }
  graph.nodes = kept.reverse();
  for (const name of graph.constants.keys()) if (!needed.has(name)) graph.constants.delete(name);
  return graph;
}
