/**
 * @file What a run of a static graph takes, told before it runs: every value's bytes from where it
 * is computed to where it is read last, in the order in which ONNX Runtime computes.
 */
import type { Builder, Value } from './builder';
import type { Graph, Node } from './model';
import { formatDims } from './tensor';
import { bytesOfType, operationsOf } from './work';

export interface Footprint {
  /** The most bytes that values take at a time, what goes in and comes out with them. */
  valueBytes: number;
  /**
   * Constants that a run reads, as they are or as they were computed from constants when it was
   * loaded: a product's transposed operand is another.
   */
  weightBytes: number;
  /** Of matrix products, convolutions and attention; a multiply-add is two. */
  operations: number;
}

/** What an engine takes before it has loaded anything. */
const engineBytes = 150e6;

/**
 * What values take beyond their bytes: layouts that convolutions reorder, operators' own memory.
 * Chosen after two runs of the full-size UNet, forward and backward, in which it was 1.14 (32×32
 * latents) and 1.34 (64×64); no run that it was not chosen by has been held against it.
 */
const valueOverhead = 1.5;

/** What an engine takes at the peak of a run: values, weights, and itself. */
export const peakBytes = ({ valueBytes, weightBytes }: Footprint): number =>
  engineBytes + weightBytes + valueOverhead * valueBytes;

/** What only names another value's bytes. */
const views = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten']);

/** What can write its result where an operand was that nobody else reads. */
const inPlace = new Set(
  'Add Sub Mul Div Neg Sqrt Exp Log Erf Tanh Sigmoid Relu Abs Reciprocal Cast Clip Softmax'.split(
    ' ',
  ),
);

/** @param b knows the types of the graph's values */
export function footprintOf(b: Builder, graph: Graph): Footprint {
  const constant = constantValues(graph);
  const nodes = executionOrder(graph).filter((node) => !node.outputs.every((x) => constant.has(x)));
  const root = new Map<Value, Value>();
  const owner = (value: Value): Value => root.get(value) ?? value;
  for (const { op, inputs, outputs } of graph.nodes) {
    if (views.has(op)) root.set(outputs[0]!, owner(inputs[0]!));
  }
  const lastRead = new Map<Value, number>();
  for (const [i, { inputs, outputs }] of nodes.entries()) {
    for (const value of [...inputs, ...outputs]) if (value) lastRead.set(owner(value), i);
  }
  const lasting = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => owner(name)));
  const bytes = (value: Value) => bytesOfType(b.type(value));
  const shapeOf = (value: Value) => formatDims(b.dims(value)) + b.dtype(value);
  const buffers = new Buffers();
  for (const [i, { op, inputs, outputs }] of nodes.entries()) {
    const read = [...new Set(inputs.filter((x) => x && !constant.has(x)).map(owner))];
    const ended = read.filter((x) => lastRead.get(x) === i && !lasting.has(x));
    const made = views.has(op) ? [] : outputs.filter(Boolean);
    for (const value of made) {
      const shape = shapeOf(value);
      const same = inputs.find((x) => x && ended.includes(owner(x)) && shapeOf(x) === shape);
      const over = inPlace.has(op) && same ? owner(same) : undefined;
      buffers.make(value, { shape, bytes: bytes(value), at: i, over });
    }
    for (const value of [...ended, ...made]) {
      if (lastRead.get(value) === i && !lasting.has(value)) buffers.end(value, i);
    }
  }
  const given = graph.inputs.reduce((sum, { name }) => sum + bytes(name), 0);
  const weights = new Set(
    nodes.flatMap(({ op, inputs }) =>
      views.has(op) ? [] : inputs.filter((x) => constant.has(x)).map(owner),
    ),
  );
  return {
    valueBytes: given + buffers.most(nodes.length),
    weightBytes: [...weights].reduce((sum, value) => sum + bytes(value), 0),
    operations: nodes.reduce((sum, node) => sum + operationsOf(b, node), 0),
  };
}

interface Buffer {
  /** Of the value that it held last. */
  shape: string;
  bytes: number;
  /** From when to when it is held, in nodes. */
  from: number;
  to: number;
}

interface Made {
  shape: string;
  bytes: number;
  /** When, in nodes. */
  at: number;
  /** The value that it is written over. */
  over: Value | undefined;
}

/**
 * Memory as ONNX Runtime plans it: what has been read last leaves its buffer to the next value of
 * the same shape, however late that comes, and until then nobody else has it.
 */
class Buffers {
  readonly #of = new Map<Value, Buffer>();
  readonly #free = new Map<string, Buffer[]>();

  make(value: Value, { shape, bytes, at, over }: Made): void {
    const taken = over === undefined ? this.#free.get(shape)?.pop() : this.#of.get(over);
    if (over !== undefined) this.#of.delete(over);
    const buffer = taken ?? { shape, bytes, from: at, to: at };
    buffer.shape = shape;
    buffer.to = Number.POSITIVE_INFINITY;
    this.#of.set(value, buffer);
  }

  end(value: Value, at: number): void {
    const buffer = this.#of.get(value);
    if (!buffer) return;
    buffer.to = at;
    this.#of.delete(value);
    this.#free.set(buffer.shape, [...(this.#free.get(buffer.shape) ?? []), buffer]);
  }

  /** The most bytes that buffers take at a time, over so many nodes. */
  most(nodes: number): number {
    const change = new Float64Array(nodes + 1);
    const all = [...this.#of.values(), ...[...this.#free.values()].flat()];
    for (const { from, to, bytes } of new Set(all)) {
      change[from]! += bytes;
      if (to < nodes) change[to + 1]! -= bytes;
    }
    let [alive, most] = [0, 0];
    for (const step of change) {
      alive += step;
      most = Math.max(most, alive);
    }
    return most;
  }
}

/** Constants and what is computed from them alone, which ONNX Runtime does when it loads. */
function constantValues(graph: Graph): Set<Value> {
  const found = new Set(graph.constants.keys());
  for (const { inputs, outputs } of graph.nodes) {
    if (inputs.every((input) => !input || found.has(input))) {
      for (const output of outputs) if (output) found.add(output);
    }
  }
  return found;
}

/**
 * ONNX Runtime's order: depth first from what nobody reads, last first, and of what a node reads
 * that which stands last first (`GraphViewer`, `Graph::ReverseDFSFrom`, onnxruntime 1.30).
 */
function executionOrder(graph: Graph): Node[] {
  const index = new Map(graph.nodes.map((node, i) => [node, i]));
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((x) => [x, node])));
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const stack: [node: Node, leave: boolean][] = graph.nodes
    .filter(({ outputs }) => !outputs.some((output) => read.has(output)))
    .map((node) => [node, false]);
  const visited = new Set<Node>();
  const order: Node[] = [];
  for (;;) {
    const [node, leave] = stack.pop() ?? [];
    if (!node) return order;
    if (leave) order.push(node);
    if (leave || visited.has(node)) continue;
    visited.add(node);
    stack.push([node, true]);
    const before = [...new Set(node.inputs.flatMap((input) => makers.get(input) ?? []))];
    before.sort((x, y) => index.get(x)! - index.get(y)!);
    for (const maker of before) if (!visited.has(maker)) stack.push([maker, false]);
  }
}
