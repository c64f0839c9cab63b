/** @file Reading einsum equations. */
import { GraphError } from './model';

export interface Equation {
  inputs: string[];
  output: string;
}

/**
 * Splits `bij,bjk->bik`; an implicit output lists the letters that occur once, in alphabetical
 * order. @throws GraphError
 */
export function parseEinsum(equation: string): Equation {
  const text = equation.replaceAll(' ', '');
  if (text.includes('.')) {
    throw new GraphError(`Einsum "${equation}" uses an ellipsis. Export it with every axis named.`);
  }
  const [left, right] = text.split('->') as [string, string | undefined];
  const inputs = left.split(',');
  const letters = [...left.replaceAll(',', '')];
  const once = [...new Set(letters)].filter(
    (letter) => letters.indexOf(letter) === letters.lastIndexOf(letter),
  );
  return { inputs, output: right ?? once.sort().join('') };
}

/** Length of every letter. @throws GraphError when two inputs disagree */
export function einsumSizes(
  equation: Equation,
  dims: readonly (readonly number[])[],
): Map<string, number> {
  const sizes = new Map<string, number>();
  equation.inputs.forEach((letters, i) => {
    const shape = dims[i] ?? [];
    if (letters.length !== shape.length) {
      throw new GraphError(
        `Einsum operand ${i} has ${shape.length} axes, its term "${letters}" names ${letters.length}.`,
      );
    }
    [...letters].forEach((letter, axis) => {
      const known = sizes.get(letter);
      const size = shape[axis]!;
      if (known !== undefined && known !== size) {
        throw new GraphError(
          `Einsum axis "${letter}" is ${known} in one operand and ${size} in another.`,
        );
      }
      sizes.set(letter, size);
    });
  });
  return sizes;
}

/** Shape of an einsum's result. */
export function einsumOutput(equation: string, dims: readonly (readonly number[])[]): number[] {
  const parsed = parseEinsum(equation);
  const sizes = einsumSizes(parsed, dims);
  return [...parsed.output].map((letter) => sizes.get(letter) as number);
}
