/**
 * @file Products, and the two activations that exporters spell out as products of x with a gate
 * made from x: SiLU as x·σ(x), GELU as x·(1 + erf(x/√2))·½. Their gradient is one factor, where the
 * plain rules would add up both uses of x.
 */
import type { Value } from '@/trainer/graph/builder';
import { numbersOf } from '@/trainer/graph/numbers';
import { sameDims } from '@/trainer/graph/tensor';
import { type Rule, type RuleScope, unbroadcast } from '../rule';

/** d/dx x·σ(x) = σ + y·(1 − σ). */
function siluSlope(r: RuleScope, x: Value, gate: Value): Value | undefined {
  const { b } = r;
  const made = b.producer(gate);
  if (made?.op !== 'Sigmoid' || made.inputs[0] !== x) return undefined;
  return b.add(gate, b.mul(r.y[0]!, b.sub(r.scalar(1), gate)));
}

/** d/dx x·(1 + erf(u)) with u = c·x: the gate plus u·exp(ln(2/√π) − u²). */
function erfSlope(r: RuleScope, x: Value, gate: Value): Value | undefined {
  const { b } = r;
  const sum = b.producer(gate);
  if (sum?.op !== 'Add') return undefined;
  const erf = sum.inputs.map((input) => b.producer(input)).find((node) => node?.op === 'Erf');
  const one = sum.inputs.find((input) => input !== erf?.outputs[0]);
  const u = erf?.inputs[0];
  if (!u || scalarOf(r, one) !== 1 || !r.wants(erf.outputs[0]) || !r.wants(u)) return undefined;
  const scaled = b.producer(u);
  const isScaled =
    (scaled?.op === 'Mul' || scaled?.op === 'Div') &&
    scaled.inputs[0] === x &&
    scalarOf(r, scaled.inputs[1]) !== undefined;
  if (!isScaled) return undefined;
  const exponent = b.sub(r.scalar(Math.log(2 / Math.sqrt(Math.PI))), b.mul(u, u));
  return b.add(gate, b.mul(u, b.op('Exp', [exponent])));
}

function scalarOf(r: RuleScope, value: Value | undefined): number | undefined {
  const constant = value ? r.b.constantOf(value) : undefined;
  return constant?.data.length === 1 ? numbersOf(constant)[0] : undefined;
}

const product: Rule = (r) => {
  const { b } = r;
  if (r.needs(0) && r.needs(1) && sameDims(r.dims(0), r.dims(1))) {
    for (const [at, gateAt] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const [x, gate] = [r.input(at), r.input(gateAt)];
      const slope = siluSlope(r, x, gate) ?? erfSlope(r, x, gate);
      if (slope) return [0, 1].map((i) => (i === at ? b.mul(r.g, slope) : undefined));
    }
  }
  return [
    r.needs(0) ? unbroadcast(b, b.mul(r.g, r.input(1)), r.dims(0)) : undefined,
    r.needs(1) ? unbroadcast(b, b.mul(r.g, r.input(0)), r.dims(1)) : undefined,
  ];
};

export const gates: Record<string, Rule> = { Mul: product };
