/**
 * @file Reverse-mode differentiation of a graph under construction: appends the nodes that compute
 * gradients. Everything it appends is a standard ONNX operator, so ONNX Runtime runs it on any
 * device; only the forward pass of large attention becomes ONNX Runtime's own operator.
 */
import { fuseAttention, matrixBytes } from '@/trainer/graph/attention/fuse';
import type { Builder, Value } from '@/trainer/graph/builder';
import { GraphError, type Node, place } from '@/trainer/graph/model';
import { formatDims, sizeOf } from '@/trainer/graph/tensor';
import { type Recompute, Recomputed } from './recompute';
import { RuleScope } from './rule';
import { noGradient, rules } from './rules';

/**
 * Bytes of one head's probabilities up to which they are kept for the gradient. What no cache holds
 * is computed again about as fast as it is read.
 */
const leastMatrixBytes = 2 ** 20;

export interface GradientRequest {
  /** What is differentiated: a scalar, or any value when `seed` is given. */
  of: Value;
  /** The values to differentiate by. */
  wrt: readonly Value[];
  /** The gradient flowing into `of` (same shape): makes the result a vector-Jacobian product. */
  seed?: Value;
  /** Values treated as constants: nothing flows through them. */
  stop?: Iterable<Value>;
  /** What the backward pass computes again rather than have kept; nothing unless told. */
  recompute?: Recompute;
}

/** Marks values as constants while a loss is appended: `held` is what `gradients` is to stop at. */
export function holding(): { held: readonly Value[]; hold: (value: Value) => Value } {
  const held: Value[] = [];
  return {
    held,
    hold: (value) => {
      held.push(value);
      return value;
    },
  };
}

/**
 * Appends d`of`/d`wrt` to the graph and returns one gradient per entry of `wrt`, shaped like it.
 * @throws GraphError for an operator without a rule on the path, or a value that `of` does not
 * depend on
 */
export function gradients(
  b: Builder,
  { of, wrt, seed, stop = [], recompute = 'nothing' }: GradientRequest,
): Value[] {
  if (!seed && sizeOf(b.dims(of)) !== 1) {
    throw new GraphError(
      `"${of}" of shape ${formatDims(b.dims(of))} is no scalar: give a seed of its shape.`,
    );
  }
  const held = new Set(stop);
  fuseAttention(b, (site) => {
    // What is named within an attention has to stay.
    const named = [...wrt, ...held].some((value) => site.within.has(value));
    return matrixBytes(site) > leastMatrixBytes && !named;
  });
  const nodes = [...b.graph.nodes];
  const wanted = dependents(nodes, wrt, held);
  const recomputed = new Recomputed(b, nodes, { amount: recompute, wanted });
  const partial = new Map<Value, Value>();
  const accumulate = (value: Value, gradient: Value) => {
    const known = partial.get(value);
    partial.set(value, known ? b.add(known, gradient) : gradient);
  };
  accumulate(of, seed ?? b.expand(b.scalar(1, b.dtype(of)), b.dims(of)));
  for (const node of nodes.reverse()) {
    const upstream = node.outputs.map((output) => (output ? partial.get(output) : undefined));
    if (!upstream.some(Boolean) || !node.inputs.some((input) => wanted.has(input))) continue;
    if (noGradient.has(node.op)) continue;
    const rule = rules[node.op];
    if (!rule) {
      throw new GraphError(
        `${place(b.graph, node)}: no gradient rule for this operator. Add one to trainer/autodiff/rules, or train only what does not depend on it.`,
      );
    }
    const seen = recomputed.see(node, upstream.find(Boolean)!);
    const results = rule(new RuleScope(b, seen.node, upstream, wanted, seen.x));
    node.inputs.forEach((input, i) => {
      const gradient = results[i];
      if (gradient && wanted.has(input)) accumulate(input, gradient);
    });
  }
  return wrt.map((value) => {
    const gradient = partial.get(value);
    if (!gradient) {
      throw new GraphError(
        `${b.graph.source}: "${of}" does not depend on "${value}", so it has no gradient by it.`,
      );
    }
    return gradient;
  });
}

/** `roots` and every value computed from them. */
function dependents(
  nodes: readonly Node[],
  roots: readonly Value[],
  stop: ReadonlySet<Value>,
): Set<Value> {
  const found = new Set(roots);
  for (const node of nodes) {
    if (!node.inputs.some((input) => found.has(input))) continue;
    for (const output of node.outputs) if (output && !stop.has(output)) found.add(output);
  }
  return found;
}
