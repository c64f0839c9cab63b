/**
 * @file Activations computed again in the backward pass instead of being kept. Chen et al.,
 * "Training Deep Nets with Sublinear Memory Cost" (arXiv 1604.06174): what is kept are sums and
 * joins, the stream that blocks read from and add to.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import type { Node } from '@/trainer/graph/model';
import { bytesOfType, operationsOf } from '@/trainer/graph/work';
import { elementOf, later } from './rule';

/**
 * How much is computed again: nothing, or all that takes no product and of blocks with products a
 * share, 0 to 1, those first that free most bytes for an operation.
 */
export type Recompute = 'nothing' | number;

/** Nodes of a block, and what computing them again saves and costs. */
interface Block {
  nodes: Node[];
  bytes: number;
  operations: number;
}

/** Blocks of a forward pass that have products, best first. */
function blocksOf(b: Builder, nodes: readonly Node[]): Block[] {
  const blocks: Block[] = [];
  let block: Block = { nodes: [], bytes: 0, operations: 0 };
  for (const node of nodes) {
    if (joins(b, node)) {
      if (block.operations > 0) blocks.push(block);
      block = { nodes: [], bytes: 0, operations: 0 };
      continue;
    }
    const operations = operationsOf(b, node);
    block.operations += operations;
    if (operations === 0) continue;
    block.nodes.push(node);
    for (const output of node.outputs) if (output) block.bytes += bytesOfType(b.type(output));
  }
  if (block.operations > 0) blocks.push(block);
  return blocks.sort((x, y) => y.bytes / y.operations - x.bytes / x.operations);
}

/** A sum or a join of two activations: what blocks hand on. */
function joins(b: Builder, { op, inputs }: Node): boolean {
  if (op !== 'Add' && op !== 'Sub' && op !== 'Concat') return false;
  return inputs.filter((input) => !b.graph.constants.has(input)).length > 1;
}

export class Recomputed {
  readonly #b: Builder;
  readonly #wanted: Set<Value>;
  readonly #marked: ReadonlySet<Node>;
  readonly #again = new Map<Node, Node>();
  /** Values that stand for others, by the others' names. */
  readonly #values = new Map<Value, Value>();

  /**
   * @param nodes the forward pass, in its order
   * @param wanted values on a path from one that gradients were asked for; what stands for one is
   *   one, too
   */
  constructor(
    b: Builder,
    nodes: readonly Node[],
    { amount, wanted }: { amount: Recompute; wanted: Set<Value> },
  ) {
    this.#b = b;
    this.#wanted = wanted;
    this.#marked = new Set(amount === 'nothing' ? [] : markedNodes(b, nodes, amount));
  }

  /**
   * A node as the backward pass sees it: computed again where it is to be, and reading what is.
   *
   * @param gradient without which nothing is computed again, so that it is not done too early
   */
  see(node: Node, gradient: Value): { node: Node; x: readonly Value[] } {
    if (this.#marked.size === 0) return { node, x: node.inputs };
    const wave = new Wave(this.#b, gradient, this.#wanted);
    if (this.#marked.has(node)) {
      const made = this.#repeat(node, wave);
      return { node: made, x: made.inputs };
    }
    return { node, x: node.inputs.map((input) => this.#value(input, wave)) };
  }

  /** A value computed again, or as it is. */
  #value(value: Value, wave: Wave): Value {
    const made = value ? this.#b.producer(value) : undefined;
    if (!made || !this.#marked.has(made)) return value;
    this.#repeat(made, wave);
    return this.#values.get(value)!;
  }

  #repeat(node: Node, wave: Wave): Node {
    const known = this.#again.get(node);
    if (known) return known;
    const b = this.#b;
    const makers = node.inputs.map((input) => (input ? b.producer(input) : undefined));
    const inputs = node.inputs.map((input, i) => {
      const made = makers[i];
      if (made && this.#marked.has(made)) return this.#value(input, wave);
      // Where one operand comes late, weights that are trained need not be copied.
      return made || !makers.some(Boolean) ? wave.late(input) : input;
    });
    const outputs = node.outputs.map((output) => output && b.fresh(`${output} again`));
    b.append({ ...node, name: `${node.name} again`, inputs, outputs });
    node.outputs.forEach((output, i) => {
      if (!output) return;
      this.#values.set(output, outputs[i]!);
      if (this.#wanted.has(output)) this.#wanted.add(outputs[i]!);
    });
    const again = b.producer(outputs.find(Boolean)!)!;
    this.#again.set(node, again);
    return again;
  }
}

/** What is computed again at a time. */
class Wave {
  readonly #b: Builder;
  readonly #gradient: Value;
  readonly #wanted: Set<Value>;
  readonly #late = new Map<Value, Value>();
  #number: Value | undefined;

  constructor(b: Builder, gradient: Value, wanted: Set<Value>) {
    this.#b = b;
    this.#gradient = gradient;
    this.#wanted = wanted;
  }

  /** An activation, but not before the gradient is known. */
  late(value: Value): Value {
    const b = this.#b;
    if (!value || b.graph.constants.has(value) || b.dtype(value) !== 'float32') return value;
    this.#number ??= elementOf(b, this.#gradient);
    const known = this.#late.get(value) ?? later(b, this.#number, value);
    this.#late.set(value, known);
    if (this.#wanted.has(value)) this.#wanted.add(known);
    return known;
  }
}

function markedNodes(b: Builder, nodes: readonly Node[], share: number): Node[] {
  const blocks = blocksOf(b, nodes);
  const chosen = blocks.slice(0, Math.round(share * blocks.length));
  const products = new Set(chosen.flatMap((block) => block.nodes));
  return nodes.filter((node) => {
    if (node.inputs.every((input) => !input || b.graph.constants.has(input))) return false;
    return !joins(b, node) && (products.has(node) || operationsOf(b, node) === 0);
  });
}
