/**
 * @file TensorFlow's GraphDef as its JSON form has it: nodes in an order in which each comes after
 * what it needs. Source: tensorflow/core/framework/{graph,node_def,attr_value}.proto.
 */
import { z } from 'zod';
import { GraphError } from '@/trainer/graph/model';
import type { TfjsModel } from './read';

/** 64-bit integers are strings in protobuf's JSON. */
const intSchema = z.union([z.number(), z.string()]).transform(Number);
/** Bytes in base64; older converters wrote their codes. */
const textSchema = z.union([
  z.string().transform((text) => Buffer.from(text, 'base64').toString()),
  z.array(z.number()).transform((codes) => String.fromCharCode(...codes)),
]);

const attributeSchema = z.object({
  s: textSchema.optional(),
  i: intSchema.optional(),
  f: z.union([z.number(), z.string()]).transform(Number).optional(),
  b: z.boolean().optional(),
  shape: z.object({ dim: z.array(z.object({ size: intSchema.optional() })).optional() }).optional(),
  list: z
    .object({ s: z.array(textSchema).optional(), i: z.array(intSchema).optional() })
    .optional(),
});

const nodeSchema = z.object({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), attributeSchema).default({}),
});

const graphSchema = z.object({ node: z.array(nodeSchema) });

export interface TfNode {
  name: string;
  op: string;
  /** Of values, `node` or `node:1`; that some node runs before is left out. */
  inputs: string[];
  attributes: Readonly<Record<string, z.infer<typeof attributeSchema>>>;
}

/** `x:0` is `x`, the first output of a node. */
export function valueName(name: string): string {
  return name.replace(/:0$/, '');
}

/**
 * The nodes that `outputs` need, in order; nothing behind those that are `fed`.
 * @throws GraphError where one is missing, or where the graph has loops
 */
export function nodesFor(
  model: TfjsModel,
  outputs: readonly string[],
  fed: ReadonlySet<string>,
): TfNode[] {
  const parsed = graphSchema.safeParse(model.topology);
  if (!parsed.success) {
    const [{ path, message } = { path: [], message: '' }] = parsed.error.issues;
    throw new GraphError(
      `${model.source}: the graph cannot be read at ${path.join('.')}: ${message}`,
    );
  }
  const byName = new Map(parsed.data.node.map((node) => [node.name, node]));
  const ordered: TfNode[] = [];
  const done = new Set<string>();
  const open = new Set<string>();
  // With a stack of its own: deep networks would overflow that of calls.
  const stack = outputs.map((output) => output.split(':')[0]!).reverse();
  while (stack.length > 0) {
    const name = stack.at(-1)!;
    const node = byName.get(name);
    if (!node) throw new GraphError(`${model.source} has no node "${name}".`);
    const inputs = fed.has(name)
      ? []
      : node.input.filter((input) => !input.startsWith('^')).map(valueName);
    const missing = inputs.map((input) => input.split(':')[0]!).filter((input) => !done.has(input));
    if (done.has(name) || missing.length === 0) {
      stack.pop();
      open.delete(name);
      if (!done.has(name)) {
        ordered.push({ name, op: node.op, inputs, attributes: node.attr });
        done.add(name);
      }
      continue;
    }
    const circle = missing.find((input) => open.has(input));
    if (circle !== undefined) {
      throw new GraphError(
        `${model.source}, node "${circle}" (${byName.get(circle)?.op}): the graph loops here. Networks without loops can be converted.`,
      );
    }
    open.add(name);
    stack.push(...missing);
  }
  return ordered;
}

/** The graph's placeholders with their shapes, undefined where nothing is said. */
export function placeholderDims(node: TfNode): number[] | undefined {
  return node.attributes.shape?.shape?.dim?.map(({ size }) => size ?? -1);
}

/** Nodes that no other needs. */
export function lastNodes(model: TfjsModel): string[] {
  const { node: nodes } = graphSchema.parse(model.topology);
  const used = new Set(
    nodes.flatMap(({ input }) => input.map((name) => name.replace(/^\^|:\d+$/g, ''))),
  );
  return nodes
    .filter(({ name, op }) => !used.has(name) && op !== 'NoOp' && op !== 'Const')
    .map(({ name }) => name);
}
