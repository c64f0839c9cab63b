/**
 * @file Attention as ONNX Runtime's one operator, which never holds a whole matrix of
 * probabilities and is faster for it. Dao et al., "FlashAttention" (arXiv 2205.14135).
 */
import type { Builder, Value } from '../builder';
import { type AttentionSite, findAttention } from './sites';

/** Bytes of the probabilities of one head, in float32. */
export const matrixBytes = ({ queries, keys }: AttentionSite): number => 4 * queries * keys;

/**
 * Rewrites every attention that has no mask, and of which `worth` says so, as
 * `com.microsoft.MultiHeadAttention`. All heads of all rows become rows of one head, so that
 * whatever layout an exporter chose stays as it is.
 */
export function fuseAttention(
  b: Builder,
  worth: (site: AttentionSite) => boolean = () => true,
): void {
  for (const site of findAttention(b)) {
    // For a single query there is nothing to save.
    if (site.queries > 1 && worth(site)) fuse(b, site);
  }
}

function fuse(b: Builder, { mixed, parts, scale, count }: AttentionSite): void {
  const [output] = mixed.outputs as [Value];
  const dims = b.dims(output);
  const flat = (value: Value) => {
    const made = b.producer(value);
    // A reshape of a reshape is one: what lies beneath may be turned the right way already.
    const under = made?.op === 'Reshape' ? made.inputs[0]! : value;
    return b.reshape(under, [count, ...b.dims(value).slice(-2)]);
  };
  const [q, k, v] = parts;
  b.replace(mixed, () => {
    const inputs = [flat(q), b.transpose(flat(k), [0, 2, 1]), flat(v)];
    const options = { name: mixed.name, domain: 'com.microsoft' };
    const fused = b.op('MultiHeadAttention', inputs, { num_heads: 1, scale }, options);
    b.op('Reshape', [fused, b.ints(dims)], {}, { outputs: [output] });
  });
}
