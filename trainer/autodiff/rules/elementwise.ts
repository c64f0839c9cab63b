/**
 * @file Gradients of elementwise operators. g is the upstream gradient, x the inputs, y the output.
 */
import { floatAttr } from '@/trainer/graph/model';
import { dtypeNumber } from '@/trainer/graph/onnx/dtypes';
import { type Rule, type RuleScope, unbroadcast } from '../rule';

type Value = string;

/** A rule for y = f(x): the gradient is g·f′, given as a function of the scope. */
const unary =
  (derivative: (r: RuleScope, x: Value, y: Value) => Value): Rule =>
  (r) => [r.b.mul(r.g, derivative(r, r.input(0), r.y[0]!))];

/** A rule for two broadcast operands. */
const binary =
  (left: (r: RuleScope) => Value, right: (r: RuleScope) => Value): Rule =>
  (r) => [
    r.needs(0) ? unbroadcast(r.b, left(r), r.dims(0)) : undefined,
    r.needs(1) ? unbroadcast(r.b, right(r), r.dims(1)) : undefined,
  ];

/** g where `condition` holds, else 0. */
function masked(r: RuleScope, condition: Value, g: Value = r.g): Value {
  return r.b.where(condition, g, r.scalar(0));
}

/** Min and Max: the gradient goes to the winner; ties share it, as in PyTorch. */
const extremum: Rule = (r) => {
  const { b } = r;
  const dtype = r.b.dtype(r.input(0));
  const hits = r.x.map((x) =>
    b.op('Cast', [b.op('Equal', [x, r.y[0]!])], { to: dtypeNumber(dtype) }),
  );
  const share = b.div(
    r.g,
    hits.reduce((a, c) => b.add(a, c)),
  );
  return hits.map((hit, i) =>
    r.needs(i) ? unbroadcast(b, b.mul(share, hit), r.dims(i)) : undefined,
  );
};

const clip: Rule = (r) => {
  const { b } = r;
  let gradient = r.g;
  // Like PyTorch's clamp, the gradient passes on the bounds themselves.
  if (r.x[1]) gradient = masked(r, b.op('GreaterOrEqual', [r.input(0), r.x[1]]), gradient);
  if (r.x[2]) gradient = masked(r, b.op('LessOrEqual', [r.input(0), r.x[2]]), gradient);
  return [gradient];
};

const pow: Rule = (r) => {
  const { b } = r;
  const exponent = b.constantOf(r.input(1));
  const power = exponent?.data.length === 1 ? Number(exponent.data[0]) : undefined;
  const x = r.input(0);
  if (power === 2) return [b.mul(r.g, b.scale(x, 2))];
  const byExponent = () => unbroadcast(b, b.mul(r.g, b.mul(r.y[0]!, b.op('Log', [x]))), r.dims(1));
  const p =
    b.dtype(r.input(1)) === b.dtype(x)
      ? r.input(1)
      : b.op('Cast', [r.input(1)], { to: dtypeNumber(b.dtype(x)) });
  const slope = b.mul(p, b.op('Pow', [x, b.sub(p, r.scalar(1))]));
  return [
    r.needs(0) ? unbroadcast(b, b.mul(r.g, slope), r.dims(0)) : undefined,
    r.needs(1) ? byExponent() : undefined,
  ];
};

export const elementwise: Record<string, Rule> = {
  Identity: (r) => [r.g],
  Neg: (r) => [r.b.neg(r.g)],
  Add: binary(
    (r) => r.g,
    (r) => r.g,
  ),
  Sub: binary(
    (r) => r.g,
    (r) => r.b.neg(r.g),
  ),
  Div: binary(
    (r) => r.b.div(r.g, r.input(1)),
    (r) => r.b.neg(r.b.div(r.b.mul(r.g, r.y[0]!), r.input(1))),
  ),
  Pow: pow,
  Min: extremum,
  Max: extremum,
  Clip: clip,
  Sum: (r) => r.x.map((_, i) => (r.needs(i) ? unbroadcast(r.b, r.g, r.dims(i)) : undefined)),
  Abs: (r) => {
    const x = r.input(0);
    const zero = r.scalar(0);
    const negative = r.b.where(r.b.op('Less', [x, zero]), r.b.neg(r.g), zero);
    return [r.b.where(r.b.op('Greater', [x, zero]), r.g, negative)];
  },
  Exp: unary((_, __, y) => y),
  Log: (r) => [r.b.div(r.g, r.input(0))],
  Sqrt: (r) => [r.b.div(r.b.scale(r.g, 0.5), r.y[0]!)],
  Reciprocal: unary((r, _, y) => r.b.neg(r.b.mul(y, y))),
  Sin: unary((r, x) => r.b.op('Cos', [x])),
  Cos: unary((r, x) => r.b.neg(r.b.op('Sin', [x]))),
  Tanh: unary((r, _, y) => r.b.sub(r.scalar(1), r.b.mul(y, y))),
  Sigmoid: unary((r, _, y) => r.b.mul(y, r.b.sub(r.scalar(1), y))),
  Softplus: unary((r, x) => r.b.op('Sigmoid', [x])),
  Erf: unary((r, x) => r.b.scale(r.b.op('Exp', [r.b.neg(r.b.mul(x, x))]), 2 / Math.sqrt(Math.PI))),
  Relu: (r) => [masked(r, r.b.op('Greater', [r.input(0), r.scalar(0)]))],
  LeakyRelu: (r) => {
    const slope = floatAttr(r.node, 'alpha', 0.01);
    return [r.b.where(r.b.op('Greater', [r.input(0), r.scalar(0)]), r.g, r.b.scale(r.g, slope))];
  },
  Where: (r) => [
    undefined,
    r.needs(1)
      ? unbroadcast(r.b, r.b.where(r.input(0), r.g, r.b.scalar(0, r.b.dtype(r.g))), r.dims(1))
      : undefined,
    r.needs(2)
      ? unbroadcast(r.b, r.b.where(r.input(0), r.b.scalar(0, r.b.dtype(r.g)), r.g), r.dims(2))
      : undefined,
  ],
  Cast: (r) => {
    const from = r.b.dtype(r.input(0));
    if (!from.includes('float')) return [undefined];
    return [r.b.op('Cast', [r.g], { to: dtypeNumber(from) })];
  },
};
