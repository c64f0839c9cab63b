/**
 * @file What a shape rule sees of a node: its inputs' types and, where they are constant, values.
 */
import { GraphError, type Node, type ValueType } from './model';
import { normalAxis, numbersOf } from './numbers';
import { formatDims, type Tensor } from './tensor';

export class InferScope {
  constructor(
    readonly node: Node,
    private readonly where: string,
    private readonly types: readonly (ValueType | undefined)[],
    private readonly constants: readonly (Tensor | undefined)[],
  ) {}

  has(index: number): boolean {
    return this.types[index] !== undefined;
  }

  type(index: number): ValueType {
    return this.types[index] ?? this.fail(`input ${index} is missing or of unknown shape`);
  }

  dims(index: number): readonly number[] {
    return this.type(index).dims;
  }

  /** The numbers of a constant input; undefined when it is left out. */
  optionalNumbers(index: number): number[] | undefined {
    if (!this.node.inputs[index]) return undefined;
    const constant = this.constants[index];
    if (!constant)
      this.fail(`input ${index} ("${this.node.inputs[index]}") must be constant to know the shape`);
    return numbersOf(constant as Tensor);
  }

  numbers(index: number): number[] {
    return this.optionalNumbers(index) ?? this.fail(`input ${index} is missing`);
  }

  axis(axis: number, rank: number): number {
    return normalAxis(axis, rank) ?? this.fail(`axis ${axis} lies outside rank ${rank}`);
  }

  fail(message: string): never {
    throw new GraphError(
      `${this.where}: ${message}. Its input shapes are ${this.types
        .map((type) => (type ? formatDims(type.dims) : '-'))
        .join(', ')}: check the shapes the graph was given.`,
    );
  }
}

/** From the types of a node's inputs to those of its outputs. */
export type Rule = (s: InferScope) => ValueType[];
