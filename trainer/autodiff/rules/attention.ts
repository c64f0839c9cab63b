/**
 * @file Gradient of attention as one operator, y = softmax(scale·q·kᵀ)·v. Probabilities are
 * computed again, a chunk of queries at a time, so that no layer's are ever whole: with p of a
 * chunk and g its upstream gradient, dv = Σ pᵀ·g, ds = p∘(g·vᵀ − Σ g∘y), dq = scale·ds·k and dk =
 * scale·Σ dsᵀ·q. Dao et al., "FlashAttention" (arXiv 2205.14135), appendix B.2.
 */
import type { Value } from '@/trainer/graph/builder';
import { floatAttr, intAttr } from '@/trainer/graph/model';
import { elementOf, later, type Rule, swapLast } from '../rule';

/** Most bytes of a chunk's probabilities, of which up to four are alive at a time. */
const chunkBytes = 16 * 2 ** 20;

const attention: Rule = (r) => {
  const { b } = r;
  if (intAttr(r.node, 'num_heads', 0) !== 1) r.fail('its heads are no rows of their own');
  const [q, k, v] = [r.input(0), r.input(1), r.input(2)];
  const [count, queries, size] = b.dims(q) as [number, number, number];
  const keys = b.dims(k)[1]!;
  const scale = floatAttr(r.node, 'scale', 0) || 1 / Math.sqrt(size);
  const [turnedKeys, turnedValues] = [swapLast(b, k), swapLast(b, v)];
  const rows = Math.max(1, Math.floor(chunkBytes / (4 * count * keys)));
  const dq: Value[] = [];
  let dk: Value | undefined;
  let dv: Value | undefined;
  let before = elementOf(b, r.g);
  for (let start = 0; start < queries; start += rows) {
    const end = Math.min(start + rows, queries);
    const part = (value: Value) => (rows < queries ? b.slice(value, 1, start, end) : value);
    const own = later(b, before, b.scale(part(q), scale));
    const g = later(b, before, part(r.g));
    const p = b.op('Softmax', [b.matmul(own, turnedKeys)], { axis: -1 });
    const made: Value[] = [];
    if (r.needs(2)) {
      // The small operand is turned, and the small result: never what is as long as p.
      const added = b.matmul(swapLast(b, g), p);
      dv = dv ? b.add(dv, added) : added;
      made.push(dv);
    }
    if (r.needs(0) || r.needs(1)) {
      const sums = b.reduceSum(b.mul(g, part(r.y[0]!)), [2]);
      const ds = b.mul(p, b.sub(b.matmul(g, turnedValues), sums));
      if (r.needs(0)) made.push(b.scale(b.matmul(ds, k), scale));
      if (r.needs(0)) dq.push(made.at(-1)!);
      if (r.needs(1)) {
        const added = b.matmul(swapLast(b, own), ds);
        dk = dk ? b.add(dk, added) : added;
        made.push(dk);
      }
    }
    before = made.map((value) => elementOf(b, value)).reduce((sum, one) => b.add(sum, one));
  }
  return [
    dq.length > 0 ? b.concat(dq, 1) : undefined,
    dk && swapLast(b, dk),
    dv && swapLast(b, dv),
  ];
};

export const attentions: Record<string, Rule> = { MultiHeadAttention: attention };
