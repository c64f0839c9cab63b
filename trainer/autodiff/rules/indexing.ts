/**
 * @file Gradients of operators that look elements up: what was read is added back where it was read
 * from.
 */
import { intAttr } from '@/trainer/graph/model';
import { type Rule, zerosOf } from '../rule';

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

const gatherND: Rule = (r) => {
  if (intAttr(r.node, 'batch_dims', 0) !== 0) r.fail('batch_dims has no rule');
  return [
    r.b.op('ScatterND', [zerosOf(r.b, r.input(0), r.dims(0)), r.input(1), r.g], {
      reduction: 'add',
    }),
  ];
};

export const indexing: Record<string, Rule> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
};
