/** @file Gradients of matrix products. */
import type { Builder, Value } from '@/trainer/graph/builder';
import { parseEinsum } from '@/trainer/graph/einsum';
import { floatAttr, intAttr, stringAttr } from '@/trainer/graph/model';
import { sizeOf } from '@/trainer/graph/tensor';
import { type Rule, swapLast, unbroadcast } from '../rule';

/** [..., K] as one matrix [rows, K]. */
function asMatrix(b: Builder, value: Value): Value {
  const dims = b.dims(value);
  const columns = dims[dims.length - 1]!;
  return b.reshape(value, [sizeOf(dims) / columns, columns]);
}

/**
 * y = A·B. With a plain matrix on the right, both gradients are single large products over all
 * rows.
 */
const matmul: Rule = (r) => {
  const { b } = r;
  const shapeA = r.dims(0);
  const shapeB = r.dims(1);
  // A vector is a matrix with one row (left) or one column (right).
  const dimsA = shapeA.length === 1 ? [1, ...shapeA] : shapeA;
  const dimsB = shapeB.length === 1 ? [...shapeB, 1] : shapeB;
  const A = b.reshape(r.input(0), dimsA);
  const B = b.reshape(r.input(1), dimsB);
  const batch = b
    .dims(r.y[0]!)
    .slice(0, r.b.dims(r.y[0]!).length - (shapeA.length > 1 ? 1 : 0) - (shapeB.length > 1 ? 1 : 0));
  const g = b.reshape(r.g, [...batch, dimsA[dimsA.length - 2]!, dimsB[dimsB.length - 1]!]);
  const gradientA = () => b.reshape(unbroadcast(b, b.matmul(g, swapLast(b, B)), dimsA), shapeA);
  const gradientB = () => {
    if (dimsB.length === 2) {
      return b.reshape(b.op('Gemm', [asMatrix(b, A), asMatrix(b, g)], { transA: 1 }), shapeB);
    }
    return b.reshape(unbroadcast(b, b.matmul(swapLast(b, A), g), dimsB), shapeB);
  };
  return [r.needs(0) ? gradientA() : undefined, r.needs(1) ? gradientB() : undefined];
};

/** y = α·op(A)·op(B) + β·C. */
const gemm: Rule = (r) => {
  const { b } = r;
  const transA = intAttr(r.node, 'transA', 0);
  const transB = intAttr(r.node, 'transB', 0);
  const alpha = floatAttr(r.node, 'alpha', 1);
  const beta = floatAttr(r.node, 'beta', 1);
  const product = (x: Value, y: Value, tx: number, ty: number) =>
    b.op('Gemm', [x, y], { transA: tx, transB: ty, alpha });
  const [A, B] = [r.input(0), r.input(1)];
  return [
    r.needs(0) ? (transA ? product(B, r.g, transB, 1) : product(r.g, B, 0, 1 - transB)) : undefined,
    r.needs(1) ? (transB ? product(r.g, A, 1, transA) : product(A, r.g, 1 - transA, 0)) : undefined,
    r.x[2] && r.needs(2) ? unbroadcast(b, b.scale(r.g, beta), r.dims(2)) : undefined,
  ];
};

/**
 * The gradient of an einsum by one operand is an einsum of the upstream gradient with the other
 * operands.
 */
const einsum: Rule = (r) => {
  const { b } = r;
  const equation = parseEinsum(stringAttr(r.node, 'equation', ''));
  return r.x.map((x, i) => {
    if (!r.needs(i)) return undefined;
    const target = equation.inputs[i]!;
    if (new Set(target).size !== target.length)
      r.fail(`operand ${i} takes a diagonal ("${target}")`);
    const others = equation.inputs.filter((_, j) => j !== i);
    const seen = new Set([...others.join(''), ...equation.output]);
    const kept = [...target].filter((letter) => seen.has(letter)).join('');
    const inputs = [...others, equation.output];
    const values = [...r.x.filter((_, j) => j !== i), r.g];
    const reduced = b.op('Einsum', values, { equation: `${inputs.join(',')}->${kept}` });
    // A letter only this operand has was summed away: its gradient is the same all along that axis.
    const dims = b.dims(x);
    const spread = b.reshape(
      reduced,
      [...target].map((letter, axis) => (seen.has(letter) ? dims[axis]! : 1)),
    );
    return b.expand(spread, dims);
  });
};

export const linear: Record<string, Rule> = { MatMul: matmul, Gemm: gemm, Einsum: einsum };
