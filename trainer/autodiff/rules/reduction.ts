/** @file Gradients of reductions and running sums. */
import type { Value } from '@/trainer/graph/builder';
import { reduceAxes } from '@/trainer/graph/infer';
import { intAttr } from '@/trainer/graph/model';
import { dtypeNumber } from '@/trainer/graph/onnx/dtypes';
import type { Rule, RuleScope } from '../rule';

/**
 * A value of the reduced shape with the reduced axes kept as 1, so that it broadcasts over the
 * input.
 */
function kept(r: RuleScope, value: Value): Value {
  const axes = new Set(reduceAxes(r.shapes));
  return r.b.reshape(
    value,
    r.dims(0).map((dim, i) => (axes.has(i) ? 1 : dim)),
  );
}

function reducedCount(r: RuleScope): number {
  return reduceAxes(r.shapes).reduce((count, axis) => count * r.dims(0)[axis]!, 1);
}

/** A rule dx = g·slope(x, y), with g and y broadcast over the reduced axes. */
const sloped =
  (slope: (r: RuleScope, x: Value, y: Value) => Value): Rule =>
  (r) => [r.b.mul(kept(r, r.g), slope(r, r.input(0), kept(r, r.y[0]!)))];

/** The gradient goes to the extreme element; ties share it, as in PyTorch's amax. */
const extreme: Rule = (r) => {
  const { b } = r;
  const axes = reduceAxes(r.shapes);
  const hit = b.op('Cast', [b.op('Equal', [r.input(0), kept(r, r.y[0]!)])], {
    to: dtypeNumber(b.dtype(r.input(0))),
  });
  return [b.mul(hit, b.div(kept(r, r.g), b.reduceSum(hit, axes)))];
};

/** x/‖x‖, and 0 at the origin, where the norm has no slope. */
const l2: Rule = (r) => {
  const { b } = r;
  const y = kept(r, r.y[0]!);
  const atOrigin = b.op('Equal', [y, r.scalar(0)]);
  const safe = b.where(atOrigin, r.scalar(1), y);
  return [b.mul(r.input(0), b.where(atOrigin, r.scalar(0), b.div(kept(r, r.g), safe)))];
};

/** The gradient of a running sum is a running sum from the other end. */
const cumSum: Rule = (r) => {
  const { b } = r;
  const axisTensor = b.constantOf(r.input(1)) ?? r.fail('its axis must be constant');
  const reverse = 1 - intAttr(r.node, 'reverse', 0);
  return [
    b.op('CumSum', [r.g, b.tensor(axisTensor)], {
      exclusive: intAttr(r.node, 'exclusive', 0),
      reverse,
    }),
  ];
};

export const reduction: Record<string, Rule> = {
  ReduceSum: (r) => [r.b.expand(kept(r, r.g), r.dims(0))],
  ReduceMean: (r) => [r.b.expand(r.b.scale(kept(r, r.g), 1 / reducedCount(r)), r.dims(0))],
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceL1: sloped((r, x) => r.b.op('Sign', [x])),
  ReduceL2: l2,
  ReduceSumSquare: sloped((r, x) => r.b.scale(x, 2)),
  ReduceLogSumExp: sloped((r, x, y) => r.b.op('Exp', [r.b.sub(x, y)])),
  CumSum: cumSum,
};
