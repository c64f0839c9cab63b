/**
 * @file What a translation sees of a node: its inputs as values of the builder, its attributes, and
 * the few moves that most translations share.
 */
import type { Attributes, Builder, Value } from '../builder';
import { floatAttr, GraphError, intAttr, intsAttr, type Node, place, stringAttr } from '../model';
import { normalAxis, numbersOf } from '../numbers';
import { dtypeNumber } from '../onnx/dtypes';
import { float32, sizeOf, type Tensor } from '../tensor';

/** From a node to values of the builder, one per output of the node ('' for one left out). */
export type Translation = (s: Scope) => Value[];

export class Scope {
  constructor(
    readonly b: Builder,
    /** The node with the builder's names of inputs and outputs. */
    readonly node: Node,
    /** Version of the operator set the node is written in. */
    readonly opset: number,
    private readonly source: string,
    /** What becomes of the node in another form. */
    private readonly next: (node: Node) => Value[],
  ) {}

  has(input: number): boolean {
    return Boolean(this.node.inputs[input]);
  }

  x(input: number): Value {
    return this.node.inputs[input] || this.fail(`input ${input} is missing`);
  }

  dims(input: number): readonly number[] {
    return this.b.dims(this.x(input));
  }

  /** A number of the first input's element type. */
  scalar(value: number): Value {
    return this.b.scalar(value, this.b.dtype(this.x(0)));
  }

  int(name: string, fallback: number): number {
    return intAttr(this.node, name, fallback);
  }

  float(name: string, fallback: number): number {
    return floatAttr(this.node, name, fallback);
  }

  text(name: string, fallback: string): string {
    return stringAttr(this.node, name, fallback);
  }

  ints(name: string): number[] | undefined {
    return intsAttr(this.node, name);
  }

  /** The axis that an attribute names, counted from the front. */
  axis(name: string, fallback: number): number {
    const rank = this.dims(0).length;
    const axis = this.int(name, fallback);
    return normalAxis(axis, rank) ?? this.fail(`its axis ${axis} lies outside rank ${rank}`);
  }

  /** The tensor behind an input, when it is known; undefined also where it is left out. */
  constant(input: number): Tensor | undefined {
    const name = this.node.inputs[input];
    return name ? this.b.constantOf(name) : undefined;
  }

  /** The numbers of an input; undefined where it is left out. */
  numbers(input: number): number[] | undefined {
    if (!this.has(input)) return undefined;
    const found = this.constant(input) ?? this.fail(`its input ${input} has to be a constant`);
    return numbersOf(found);
  }

  /** Whether an output is there to be read. */
  gives(output: number): boolean {
    return Boolean(this.node.outputs[output]);
  }

  /** The same node in another form: what is given replaces what it had. */
  as(changed: Partial<Pick<Node, 'op' | 'inputs' | 'attributes' | 'outputs'>>): Value[] {
    return this.next({ ...this.node, domain: '', ...changed });
  }

  /** The node's attributes but for some. */
  attributesWithout(...names: string[]): Node['attributes'] {
    const kept = Object.entries(this.node.attributes).filter(([name]) => !names.includes(name));
    return Object.fromEntries(kept);
  }

  /** x to its power of two, elementwise. */
  squared(x: Value): Value {
    return this.b.mul(x, x);
  }

  /** Zeros, or another number, in a shape. */
  filled(dims: readonly number[], value: number): Value {
    return this.b.tensor(float32(dims, new Float32Array(sizeOf(dims)).fill(value)));
  }

  op(op: string, inputs: readonly Value[], attributes?: Attributes): Value {
    return this.b.op(op, inputs, attributes);
  }

  /** True and false as 1 and 0 of the first input's type. */
  asNumbers(condition: Value): Value {
    return this.op('Cast', [condition], { to: dtypeNumber(this.b.dtype(this.x(0))) });
  }

  /** @throws GraphError with place, operator, opset and what is wrong */
  fail(message: string, remedy = 'Export the model with opset 18 and standard operators.'): never {
    const domain = this.node.domain ? `${this.node.domain} ` : '';
    throw new GraphError(
      `${place({ source: this.source }, this.node)} of ${domain}opset ${this.opset} cannot be followed: ${message}. ${remedy}`,
    );
  }
}
