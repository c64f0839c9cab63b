/**
 * @file Gradients of operators that look elements up: what was read is added back where it was read
 * from.
 */
import type { Attributes } from '@/trainer/graph/builder';
import { intAttr, stringAttr } from '@/trainer/graph/model';
import { type Rule, type RuleScope, zerosOf } from '../rule';

const product = (values: readonly number[]) => values.reduce((a, c) => a * c, 1);

/** Rows read more than once collect the sum of their gradients. */
const gather: Rule = (r) => {
  const { b } = r;
  const dims = r.dims(0);
  const axis = r.axis(intAttr(r.node, 'axis', 0), dims.length);
  const indexDims = r.dims(1);
  const count = product(indexDims);
  const before = product(dims.slice(0, axis));
  const after = product(dims.slice(axis + 1));
  const length = dims[axis]!;
  // The looked-up axis first: [count, before·after] rows added into [length, before·after].
  const g = b.reshape(b.transpose(b.reshape(r.g, [before, count, after]), [1, 0, 2]), [
    count,
    before * after,
  ]);
  const indices = b.reshape(r.input(1), [count, 1]);
  const table = zerosOf(b, r.input(0), [length, before * after]);
  const added = b.op('ScatterND', [table, indices, g], { reduction: 'add' });
  return [b.reshape(b.transpose(b.reshape(added, [length, before, after]), [1, 0, 2]), dims)];
};

const gatherElements: Rule = (r) => [
  r.b.op('ScatterElements', [zerosOf(r.b, r.input(0), r.dims(0)), r.input(1), r.g], {
    axis: intAttr(r.node, 'axis', 0),
    reduction: 'add',
  }),
];

const gatherND: Rule = (r) => [
  r.b.op('ScatterND', [zerosOf(r.b, r.input(0), r.dims(0)), r.input(1), r.g], {
    reduction: 'add',
  }),
];

/**
 * What was written takes the gradient of where it was written to; what it was written over has
 * none.
 */
const scatter =
  (look: 'GatherND' | 'GatherElements', attributes: (r: RuleScope) => Attributes): Rule =>
  (r) => {
    const { b, node } = r;
    const reduction = stringAttr(node, 'reduction', 'none');
    if (reduction !== 'none' && reduction !== 'add')
      r.fail(`its reduction "${reduction}" has no rule`);
    const [at, written] = [r.input(1), r.dims(2)];
    const covered = () => b.op(node.op, [r.g, at, zerosOf(b, r.input(0), written)], attributes(r));
    return [
      r.needs(0) ? (reduction === 'add' ? r.g : covered()) : undefined,
      undefined,
      r.needs(2) ? b.op(look, [r.g, at], attributes(r)) : undefined,
    ];
  };

/** What was cut away has no gradient. */
const trilu: Rule = (r) => [
  r.b.op('Trilu', [r.g, ...r.x.slice(1)], { upper: intAttr(r.node, 'upper', 1) }),
];

export const indexing: Record<string, Rule> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterND: scatter('GatherND', () => ({})),
  ScatterElements: scatter('GatherElements', (r) => ({ axis: intAttr(r.node, 'axis', 0) })),
  Trilu: trilu,
};
