/** @file Reading einsum equations. */
import { GraphError } from './model';

export interface Equation {
  inputs: string[];
  output: string;
}

/**
 * The equation without its ellipses, which become letters it does not use; upper-case ones, so that
 * an implicit output has them in front, as it must. @param ranks of the operands
 */
export function einsumWithLetters(equation: string, ranks: readonly number[]): string {
  const text = equation.replaceAll(' ', '');
  if (!text.includes('...')) return text;
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter((letter) => !text.includes(letter));
  const [left, right] = text.split('->') as [string, string | undefined];
  const terms = left.split(',');
  const missing = terms.map((term, i) =>
    term.includes('...') ? ranks[i]! - (term.length - 3) : 0,
  );
  const longest = Math.max(...missing);
  const letters = free.slice(0, longest).join('');
  const spelled = terms.map((term, i) => term.replace('...', letters.slice(longest - missing[i]!)));
  const once = [...new Set(left.replaceAll(/[.,]/g, ''))]
    .filter((letter) => left.split(letter).length === 2)
    .sort();
  const output = right === undefined ? letters + once.join('') : right.replace('...', letters);
  return `${spelled.join(',')}->${output}`;
}

/**
 * Splits `bij,bjk->bik`; an implicit output lists the letters that occur once, in alphabetical
 * order. @throws GraphError
 */
export function parseEinsum(equation: string): Equation {
  const text = equation.replaceAll(' ', '');
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
