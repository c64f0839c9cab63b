/**
 * @file Putting a graph into a builder: shapes made static, shape arithmetic folded, values wired
 * to given ones.
 */
import { fuseAttention } from './attention/fuse';
import { Builder, type Value } from './builder';
import { appendBranch, appendLoop } from './control-flow';
import { type Graph, GraphError, isExternal, type Node, place } from './model';
import { tensorOf } from './numbers';
import { functionsOf } from './onnx/read';
import { formatDims, type Tensor } from './tensor';
import { translate } from './translate/translate';

export interface InlineOptions {
  /**
   * Values of the builder to feed the graph's inputs with, by input name. Every input must be fed.
   */
  feeds: Record<string, Value>;
  /**
   * Put before every name the graph defines, so that a graph may be inlined twice. Node names stay.
   */
  prefix?: string;
  /**
   * Constants the builder already has (from an earlier inlining) are shared by name when this is
   * true.
   */
  shareConstants?: boolean;
  /** Called after each node; may replace the value of its outputs (adapters do). */
  onNode?: (
    builder: Builder,
    node: Graph['nodes'][number],
    outputs: Value[],
    inputs: Value[],
  ) => Value[];
}

/**
 * Appends `graph` to `builder` and returns its outputs by name. @throws GraphError when shapes do
 * not fit
 */
export function inline(
  builder: Builder,
  graph: Graph,
  options: InlineOptions,
): Record<string, Value> {
  const prefix = options.prefix ?? '';
  const names = new Map<string, Value>();
  for (const input of graph.inputs) {
    const value = options.feeds[input.name];
    if (!value) {
      throw new GraphError(
        `${graph.source}: input "${input.name}" is not fed. Feed ${graph.inputs.map((i) => i.name).join(', ')}.`,
      );
    }
    const { dims, dtype } = builder.type(value);
    const fits =
      input.dims.length === dims.length &&
      input.dims.every((dim, i) => typeof dim === 'string' || dim === dims[i]);
    if (!fits || dtype !== input.dtype) {
      throw new GraphError(
        `${graph.source}: input "${input.name}" takes ${input.dtype} ${formatDims(input.dims)}, but is fed ${dtype} ${formatDims(dims)}.`,
      );
    }
    names.set(input.name, value);
  }
  for (const [name, constant] of graph.constants) {
    const shared = options.shareConstants && builder.graph.constants.has(name);
    names.set(
      name,
      shared
        ? name
        : builder.constant(builder.has(name) ? builder.fresh(prefix + name) : name, constant),
    );
  }
  appendNodes(builder, graph, names, options);
  return Object.fromEntries(
    graph.outputs.map((output) => [output.name, names.get(output.name) as Value]),
  );
}

/**
 * Appends the nodes of a graph, or of a body inside of one. `names` says which value of the builder
 * each name is, and is added to.
 */
function appendNodes(
  builder: Builder,
  graph: Pick<Graph, 'nodes' | 'opsets' | 'source' | 'unknown'>,
  names: Map<string, Value>,
  options: Pick<InlineOptions, 'prefix' | 'onNode'>,
): void {
  const prefix = options.prefix ?? '';
  const functions = functionsOf(graph);
  const inner = (body: Pick<Graph, 'nodes'>, scope: Map<string, Value>) =>
    appendNodes(builder, { ...graph, ...body }, scope, options);
  for (const node of graph.nodes) {
    const constant = node.op === 'Constant' ? constantOf(node, graph) : undefined;
    if (constant) {
      names.set(node.outputs[0]!, builder.tensor(constant));
      continue;
    }
    const inputs = node.inputs.map((input) => (input ? (names.get(input) as Value) : ''));
    if (node.op === 'Identity') {
      names.set(node.outputs[0]!, inputs[0]!);
      continue;
    }
    const outputs = node.outputs.map((output) => {
      if (!output) return '';
      return builder.has(prefix + output) ? builder.fresh(prefix + output) : prefix + output;
    });
    const own = { ...node, inputs, outputs };
    const body = functions.get(`${node.domain}:${node.op}`);
    let made: Value[];
    if (body) {
      const scope = new Map(body.inputs.map((name, i) => [name, inputs[i] ?? '']));
      inner(body.boundTo(node), scope);
      made = body.outputs.map((name) => scope.get(name) as Value);
    } else if (node.op === 'If') made = appendBranch(builder, graph, own, names, inner);
    else if (node.op === 'Loop') made = appendLoop(builder, graph, own, names, inner);
    else {
      const opset = graph.opsets[node.domain] ?? 1;
      made = builder.named(node.name, () => translate(builder, own, opset, graph.source));
    }
    if (options.onNode) made = options.onNode(builder, node, made, inputs);
    node.outputs.forEach((output, i) => {
      if (output) names.set(output, made[i]!);
    });
  }
}

/** @throws GraphError for a constant that is no tensor of numbers */
function constantOf(node: Node, graph: Pick<Graph, 'source'>): Tensor {
  for (const value of Object.values(node.attributes)) {
    if (value.kind === 'tensor' && !isExternal(value.value)) return value.value;
    if (value.kind === 'int') return tensorOf('int64', [], [value.value]);
    if (value.kind === 'float') return tensorOf('float32', [], [value.value]);
    if (value.kind === 'ints') return tensorOf('int64', [value.value.length], value.value);
    if (value.kind === 'floats') return tensorOf('float32', [value.value.length], value.value);
  }
  throw new GraphError(
    `${place(graph, node)}: holds a constant that is no tensor. Export the model with tensor constants.`,
  );
}

/**
 * A copy of `graph` to be run: symbolic input dimensions replaced, shape arithmetic folded away,
 * attention fused.
 */
export function withStaticShapes(graph: Graph, dims: Record<string, readonly number[]>): Graph {
  const builder = new Builder(graph.name);
  builder.graph.source = graph.source;
  const feeds: Record<string, Value> = {};
  for (const port of graph.inputs) {
    const given = dims[port.name] ?? port.dims;
    const symbolic = given.findIndex((dim) => typeof dim !== 'number' || dim < 0);
    if (symbolic >= 0) {
      throw new GraphError(
        `${graph.source}: input "${port.name}" of shape ${formatDims(port.dims)} needs a number for axis ${symbolic}.`,
      );
    }
    feeds[port.name] = builder.input(port.name, port.dtype, given as number[]);
  }
  const outputs = inline(builder, graph, { feeds });
  for (const port of graph.outputs) builder.output(outputs[port.name]!, port.name);
  fuseAttention(builder);
  return builder.finish();
}
