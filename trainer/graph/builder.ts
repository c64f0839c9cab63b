/**
 * @file Building graphs by appending nodes: every value's element type and static shape is known at
 * once. Small constants fold as they are added, so that the graphs it makes hold no shape
 * arithmetic.
 */
import { foldLimit, foldNode } from './fold';
import { inferScope, inferTypes } from './infer';
import {
  type Attribute,
  type Constant,
  coreOpset,
  type Graph,
  GraphError,
  isExternal,
  type Node,
  place,
  prune,
  type ValueType,
} from './model';
import { tensorOf } from './numbers';
import { dtypeNumber } from './onnx/dtypes';
import { bytesOf, type Dtype, formatDims, int64, sameDims, sizeOf, type Tensor } from './tensor';

/**
 * Attributes as plain values: a whole number is an int unless ONNX declares the attribute a float.
 */
export type Attributes = Record<string, number | string | readonly number[] | Tensor | undefined>;

const floatAttributes = new Set([
  'alpha',
  'beta',
  'gamma',
  'epsilon',
  'cubic_coeff_a',
  'extrapolation_value',
  'value_float',
  'momentum',
  'lambd',
  'bias',
  'scale',
]);

function attributesOf(plain: Attributes): Record<string, Attribute> {
  const out: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(plain)) {
    if (value === undefined) continue;
    if (typeof value === 'number') {
      out[name] = { kind: floatAttributes.has(name) ? 'float' : 'int', value };
    } else if (typeof value === 'string') out[name] = { kind: 'string', value };
    else if (Array.isArray(value)) out[name] = { kind: 'ints', value: [...(value as number[])] };
    else out[name] = { kind: 'tensor', value: value as Tensor };
  }
  return out;
}

/** The name of a value in a graph under construction. */
export type Value = string;

export interface OpOptions {
  /** Node name; exporters' names carry the module path that adapters are attached by. */
  name?: string;
  /** Output names; made up when left out. */
  outputs?: string[];
  /** Number of outputs when no names are given. */
  count?: number;
  /** ai.onnx unless told. */
  domain?: string;
}

export class Builder {
  readonly graph: Graph;
  readonly #types = new Map<string, ValueType>();
  readonly #shared = new Map<string, Value>();
  readonly #producers = new Map<Value, Node>();
  readonly #nodeNames = new Set<string>();
  #counter = 0;
  #within = '';

  constructor(name: string) {
    this.graph = {
      name,
      source: name,
      irVersion: 8,
      opsets: { '': coreOpset },
      inputs: [],
      outputs: [],
      nodes: [],
      constants: new Map(),
    };
  }

  /** A name that no value has yet. */
  fresh(hint: string): string {
    let name: string;
    do name = `${hint}_${this.#counter++}`;
    while (this.#types.has(name));
    return name;
  }

  has(name: string): boolean {
    return this.#types.has(name);
  }

  type(value: Value): ValueType {
    const type = this.#types.get(value);
    if (!type) throw new GraphError(`${this.graph.source} has no value "${value}".`);
    return type;
  }

  dims(value: Value): readonly number[] {
    return this.type(value).dims;
  }

  dtype(value: Value): Dtype {
    return this.type(value).dtype;
  }

  /** The node that makes a value; undefined for inputs and constants. */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value);
  }

  /**
   * Gives a node of this graph the optional outputs it was made without (a normalization's
   * statistics).
   */
  extendOutputs(node: Node, count: number): Value[] {
    const types = inferTypes(
      this.graph,
      node,
      node.inputs.map((input) => (input ? this.type(input) : undefined)),
      node.inputs.map((input) => (input ? this.constantOf(input) : undefined)),
    );
    for (let i = 0; i < count; i++) {
      if (node.outputs[i]) continue;
      const name = this.fresh(`${node.op}_extra`);
      this.#define(name, types[i]!);
      this.#producers.set(name, node);
      node.outputs[i] = name;
    }
    return node.outputs;
  }

  /** Turns a node into another operator whose first output is the same. */
  become(node: Node, op: string, inputs: readonly Value[], attributes: Attributes): void {
    node.op = op;
    node.inputs = [...inputs];
    node.attributes = attributesOf(attributes);
  }

  /**
   * Puts what `append` appends in the place of a node. It must make the node's outputs, by their
   * names, which are free while it does.
   */
  replace(node: Node, append: () => void): void {
    const { nodes } = this.graph;
    const later = nodes.splice(nodes.indexOf(node)).slice(1);
    for (const output of node.outputs) {
      this.#types.delete(output);
      this.#producers.delete(output);
    }
    this.#nodeNames.delete(node.name);
    append();
    nodes.push(...later);
  }

  /** The tensor behind a value, when it is a constant held in memory. */
  constantOf(value: Value): Tensor | undefined {
    const constant = this.graph.constants.get(value);
    return constant && !isExternal(constant) ? constant : undefined;
  }

  /** Declares a graph input. */
  input(name: string, dtype: Dtype, dims: readonly number[]): Value {
    this.#define(name, { dtype, dims: [...dims] });
    this.graph.inputs.push({ name, dtype, dims: [...dims] });
    return name;
  }

  /** Adds a named constant (a weight). */
  constant(name: string, value: Constant): Value {
    this.#define(name, { dtype: value.dtype, dims: [...value.dims] });
    this.graph.constants.set(name, value);
    return name;
  }

  /** Turns a constant into a graph input of the same name: a weight to be trained. */
  constantToInput(name: string): Constant {
    const constant = this.graph.constants.get(name);
    if (!constant)
      throw new GraphError(`${this.graph.source} has no constant "${name}" to make an input of.`);
    this.graph.constants.delete(name);
    this.graph.inputs.push({ name, dtype: constant.dtype, dims: [...constant.dims] });
    return constant;
  }

  /** A constant by value; equal small constants share one name. */
  tensor(value: Tensor): Value {
    if (sizeOf(value.dims) > 64) return this.constant(this.fresh('const'), value);
    const key = `${value.dtype}${formatDims(value.dims)}:${bytesOf(value).join()}`;
    const known = this.#shared.get(key);
    if (known) return known;
    const name = this.constant(this.fresh('const'), value);
    this.#shared.set(key, name);
    return name;
  }

  scalar(value: number, dtype: Dtype = 'float32'): Value {
    return this.tensor(tensorOf(dtype, [], [value]));
  }

  ints(values: readonly number[]): Value {
    return this.tensor(int64([values.length], values));
  }

  /** Marks a value as a graph output, under `name` where given. */
  output(value: Value, name?: string): void {
    let port = value;
    if (name && name !== value) {
      port = this.op('Identity', [value], {}, { outputs: [name] });
    }
    this.graph.outputs.push({ name: port, ...this.type(port) });
  }

  /**
   * Appends a node with one output and returns that output. @throws GraphError when shapes do not
   * fit
   */
  op(
    op: string,
    inputs: readonly Value[],
    attributes: Attributes = {},
    options: OpOptions = {},
  ): Value {
    return this.ops(op, inputs, attributes, options)[0]!;
  }

  /** Appends a node and returns all of its outputs. */
  ops(
    op: string,
    inputs: readonly Value[],
    attributes: Attributes = {},
    options: OpOptions = {},
  ): Value[] {
    const outputs =
      options.outputs ?? Array.from({ length: options.count ?? 1 }, () => this.fresh(op));
    const node: Node = {
      name: options.name ?? (this.#within ? `${this.#within}/${op}` : (outputs[0] ?? op)),
      op,
      domain: options.domain ?? '',
      inputs: [...inputs],
      outputs,
      attributes: attributesOf(attributes),
    };
    return this.append(node);
  }

  /**
   * Appends a ready-made node (its output names must be free), folding it when its value is known.
   */
  append(node: Node): Value[] {
    const types = node.inputs.map((input) => (input ? this.type(input) : undefined));
    const constants = node.inputs.map((input) => (input ? this.constantOf(input) : undefined));
    const inferred = inferTypes(this.graph, node, types, constants);
    const output = inferred[0]!;
    if (node.op === 'Shape' || node.op === 'Size') {
      return [this.constant(node.outputs[0]!, shapeValue(node, types[0]!))];
    }
    const small = constants.every(
      (c, i) => !node.inputs[i] || (c !== undefined && sizeOf(c.dims) <= foldLimit),
    );
    if (small) {
      const scope = inferScope(this.graph, node, types, constants);
      const folded = foldNode(
        node,
        constants.filter((_, i) => node.inputs[i]),
        scope,
        output,
      );
      if (folded) return [this.constant(node.outputs[0]!, folded)];
    }
    node.outputs.forEach((name, i) => {
      if (!name) return;
      const type = inferred[i];
      if (!type)
        throw new GraphError(
          `${place(this.graph, node)}: output ${i} is not one of this operator's.`,
        );
      this.#define(name, type);
      this.#producers.set(name, node);
    });
    // ONNX Runtime refuses two nodes of one name; an inlined graph may bring names that are taken
    // here.
    const wanted = node.name;
    for (let i = 2; this.#nodeNames.has(node.name); i++) node.name = `${wanted}_${i}`;
    if (node.name) this.#nodeNames.add(node.name);
    // ONNX Runtime's own operators have one version.
    if (node.domain) this.graph.opsets[node.domain] ??= 1;
    this.graph.nodes.push(node);
    return node.outputs;
  }

  /** What `append` adds are nodes named after the one they stand for. */
  named<Result>(name: string, append: () => Result): Result {
    this.#within = name;
    try {
      return append();
    } finally {
      this.#within = '';
    }
  }

  /** The finished graph: only what its outputs need. */
  finish(): Graph {
    return prune(this.graph);
  }

  // Shorthands for what rules and losses write again and again.

  add(a: Value, b: Value): Value {
    return this.op('Add', [a, b]);
  }
  sub(a: Value, b: Value): Value {
    return this.op('Sub', [a, b]);
  }
  mul(a: Value, b: Value): Value {
    return this.op('Mul', [a, b]);
  }
  div(a: Value, b: Value): Value {
    return this.op('Div', [a, b]);
  }
  neg(a: Value): Value {
    return this.op('Neg', [a]);
  }
  scale(a: Value, factor: number): Value {
    return factor === 1 ? a : this.mul(a, this.scalar(factor, this.dtype(a)));
  }
  matmul(a: Value, b: Value): Value {
    return this.op('MatMul', [a, b]);
  }
  reshape(a: Value, dims: readonly number[]): Value {
    return sameDims(this.dims(a), dims) ? a : this.op('Reshape', [a, this.ints(dims)]);
  }
  transpose(a: Value, perm: readonly number[]): Value {
    const made = this.producer(a);
    if (made?.op === 'Transpose') {
      // Transposing twice is one transposition, or none: weights stored [out, in] come back as they
      // are.
      const first = (made.attributes.perm as { value: number[] } | undefined)?.value;
      if (first)
        return this.transpose(
          made.inputs[0]!,
          perm.map((axis) => first[axis]!),
        );
    }
    return perm.every((axis, i) => axis === i) ? a : this.op('Transpose', [a], { perm });
  }
  expand(a: Value, dims: readonly number[]): Value {
    return sameDims(this.dims(a), dims) ? a : this.op('Expand', [a, this.ints(dims)]);
  }
  concat(values: readonly Value[], axis: number): Value {
    return values.length === 1 ? values[0]! : this.op('Concat', values, { axis });
  }
  slice(a: Value, axis: number, start: number, end: number): Value {
    return this.op('Slice', [a, this.ints([start]), this.ints([end]), this.ints([axis])]);
  }
  reduceSum(a: Value, axes: readonly number[], keepdims = true): Value {
    return axes.length === 0
      ? a
      : this.op('ReduceSum', [a, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }
  reduceMean(a: Value, axes: readonly number[], keepdims = true): Value {
    return axes.length === 0
      ? a
      : this.op('ReduceMean', [a, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }
  cast(a: Value, dtype: Dtype): Value {
    return this.dtype(a) === dtype ? a : this.op('Cast', [a], { to: dtypeNumber(dtype) });
  }
  where(condition: Value, yes: Value, no: Value): Value {
    return this.op('Where', [condition, yes, no]);
  }

  #define(name: string, type: ValueType): void {
    if (this.#types.has(name))
      throw new GraphError(`${this.graph.source} already has a value "${name}".`);
    this.#types.set(name, type);
  }
}

function shapeValue(node: Node, type: ValueType): Tensor {
  if (node.op === 'Size') return int64([], [sizeOf(type.dims)]);
  const start = node.attributes.start?.kind === 'int' ? node.attributes.start.value : 0;
  const end = node.attributes.end?.kind === 'int' ? node.attributes.end.value : type.dims.length;
  const dims = type.dims.slice(start, end);
  return int64([dims.length], dims);
}
