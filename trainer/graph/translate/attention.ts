/**
 * @file Attention as one operator, spelled out: products, softmax, products, which is what
 * gradients are taken of. Source: onnx/onnx (docs/Operators.md, Attention 23 and 24,
 * RotaryEmbedding 23) and microsoft/onnxruntime (docs/ContribOperators.md).
 */
import type { Value } from '../builder';
import { broadcastDims } from '../numbers';
import { sameDims, tensor } from '../tensor';
import type { Scope, Translation } from './scope';

/** [n, tokens, heads·size] → [n, heads, tokens, size]; what has four axes is that already. */
function inHeads(s: Scope, x: Value, heads: number): Value {
  const dims = s.b.dims(x);
  if (dims.length === 4) return x;
  const [n, tokens, width] = dims as [number, number, number];
  if (heads < 1 || width % heads !== 0) s.fail(`${width} channels do not fall into ${heads} heads`);
  return s.b.transpose(s.b.reshape(x, [n, tokens, heads, width / heads]), [0, 2, 1, 3]);
}

/** And back. */
function joined(s: Scope, x: Value): Value {
  const [n, heads, tokens, size] = s.b.dims(x) as [number, number, number, number];
  return s.b.reshape(s.b.transpose(x, [0, 2, 1, 3]), [n, tokens, heads * size]);
}

/** Heads of keys and values that several heads of queries share, once for each of those. */
function sharedHeads(s: Scope, x: Value, heads: number): Value {
  const [n, own, tokens, size] = s.b.dims(x) as [number, number, number, number];
  if (own === heads) return x;
  if (heads % own !== 0) s.fail(`${heads} heads of queries cannot share ${own} of keys`);
  const times = [n, own, heads / own, tokens, size];
  const spread = s.b.expand(s.b.reshape(x, [n, own, 1, tokens, size]), times);
  return s.b.reshape(spread, [n, heads, tokens, size]);
}

interface Parts {
  /** [n, heads, tokens, size] each. */
  q: Value;
  k: Value;
  v: Value;
  scale: number;
  /** Added to the scores, or truths that say what may be seen. */
  masks: readonly Value[];
  softcap?: number;
}

interface Attended {
  y: Value;
  /** Scores before the cap, after it, after the masks, and as probabilities. */
  stages: [Value, Value, Value, Value];
}

/**
 * softmax(q·kᵀ·scale + masks)·v. The cap comes before the masks, as the specification has it since
 * onnx/onnx#7867: after them, what is hidden would be seen a little.
 */
function attend(s: Scope, { q, k, v, scale, masks, softcap = 0 }: Parts): Attended {
  const { b } = s;
  const raw = b.matmul(b.scale(q, scale), b.transpose(k, [0, 1, 3, 2]));
  const capped = softcap > 0 ? b.scale(b.op('Tanh', [b.scale(raw, 1 / softcap)]), softcap) : raw;
  const masked = masks.reduce((scores, mask) => b.add(scores, bias(s, mask)), capped);
  const shares = b.op('Softmax', [masked], { axis: -1 });
  return { y: b.matmul(shares, v), stages: [raw, capped, masked, shares] };
}

/** A mask as what is added: numbers as they are, truths as 0 and a number that leaves nothing. */
function bias(s: Scope, mask: Value): Value {
  if (s.b.dtype(mask) !== 'bool') return mask;
  return s.b.where(mask, s.b.scalar(0), s.b.scalar(hidden));
}

/** Not minus infinity: a row with nothing to see would become NaN. */
const hidden = -1e30;

/** What each of `queries` tokens may see of `keys`: itself and what came before. */
function causal(s: Scope, queries: number, keys: number, past: number): Value {
  const seen = Uint8Array.from({ length: queries * keys }, (_, i) =>
    i % keys <= Math.floor(i / keys) + past ? 1 : 0,
  );
  return s.b.tensor(tensor('bool', [queries, keys], seen));
}

/** Attention of opset 23 and 24. */
const attention: Translation = (s) => {
  const { b } = s;
  if (s.has(6)) s.fail('its keys are padded by row (nonpad_kv_seqlen)');
  const rank = s.dims(0).length;
  const heads = rank === 4 ? s.dims(0)[1]! : s.int('q_num_heads', 0);
  const own = s.dims(1).length === 4 ? s.dims(1)[1]! : s.int('kv_num_heads', 0);
  const q = inHeads(s, s.x(0), heads);
  const followed = (input: number, past: number) => {
    const now = inHeads(s, s.x(input), own);
    return s.has(past) ? b.concat([s.x(past), now], 2) : now;
  };
  const [k, v] = [followed(1, 4), followed(2, 5)];
  const [queries, size] = b.dims(q).slice(2) as [number, number];
  const keys = b.dims(k)[2]!;
  const masks = s.has(3) ? [padded(s, s.x(3), keys)] : [];
  const past = s.has(4) ? s.dims(4)[2]! : 0;
  if (s.int('is_causal', 0) === 1) masks.push(causal(s, queries, keys, past));
  const { y, stages } = attend(s, {
    q,
    k: sharedHeads(s, k, heads),
    v: sharedHeads(s, v, heads),
    scale: s.float('scale', 1 / Math.sqrt(size)),
    masks,
    softcap: s.float('softcap', 0),
  });
  const stage = stages[s.int('qk_matmul_output_mode', 0)]!;
  return [rank === 4 ? y : joined(s, y), k, v, stage].slice(0, s.node.outputs.length);
};

/** A mask over fewer keys than there are hides the rest (opset 24). */
function padded(s: Scope, mask: Value, keys: number): Value {
  const dims = s.b.dims(mask);
  const missing = keys - (dims.at(-1) as number);
  if (missing <= 0 || dims.at(-1) === 1) return mask;
  const rest = s.b.expand(s.b.scalar(hidden), [...dims.slice(0, -1), missing]);
  return s.b.concat([bias(s, mask), rest], dims.length - 1);
}

/** ONNX Runtime's, of separate or packed projections. */
const multiHeadAttention: Translation = (s) => {
  const { b } = s;
  const heads = s.int('num_heads', 0);
  if (s.has(4)) s.fail('it takes a key padding mask');
  if (s.has(6) || s.has(7)) s.fail('it takes keys and values of the past');
  let [q, k, v] = unpacked(s);
  if (s.has(3)) {
    const bias = s.x(3);
    const widths = [q, k, v].map((part) => b.dims(part).at(-1) as number);
    [q, k, v] = [q, k, v].map((part, i) => {
      const start = widths.slice(0, i).reduce((a, c) => a + c, 0);
      return b.add(part, b.slice(bias, 0, start, start + widths[i]!));
    }) as [Value, Value, Value];
  }
  [q, k, v] = [inHeads(s, q, heads), inHeads(s, k, heads), inHeads(s, v, heads)];
  const [queries, size] = b.dims(q).slice(2) as [number, number];
  const masks = s.has(5) ? [s.x(5)] : [];
  if (s.int('unidirectional', 0) === 1) masks.push(causal(s, queries, b.dims(k)[2]!, 0));
  const scale = s.float('scale', 0) || 1 / Math.sqrt(size);
  const { y } = attend(s, { q, k, v, scale, masks });
  return [joined(s, y), k, v].slice(0, s.node.outputs.length);
};

/** Query, key and value of MultiHeadAttention: three inputs, two of which may be one, or one. */
function unpacked(s: Scope): [Value, Value, Value] {
  const query = s.dims(0);
  if (query.length === 5) return parts(s, s.x(0), 3) as [Value, Value, Value];
  if (s.has(2)) return [s.x(0), s.x(1), s.x(2)];
  if (s.has(1) && s.dims(1).length === 5) {
    return [s.x(0), ...(parts(s, s.x(1), 2) as [Value, Value])];
  }
  return s.fail(`its query of ${query.length} axes comes without key and value`);
}

/** [n, tokens, heads, count, size] → `count` of [n, tokens, heads·size]. */
function parts(s: Scope, packed: Value, count: number): Value[] {
  const dims = s.b.dims(packed);
  const [n, tokens, heads] = dims as [number, number, number];
  return Array.from({ length: count }, (_, i) =>
    s.b.reshape(s.b.slice(packed, 3, i, i + 1), [n, tokens, heads * dims[4]!]),
  );
}

/** ONNX Runtime's that projects by one weight [width, 3·width], too. */
const projectedAttention: Translation = (s) => {
  const { b } = s;
  if (s.has(3)) s.fail('it takes a mask index');
  if (s.has(4)) s.fail('it takes keys and values of the past');
  const heads = s.int('num_heads', 0);
  const product = b.matmul(s.x(0), s.x(1));
  const all = s.has(2) ? b.add(product, s.x(2)) : product;
  const width = b.dims(all).at(-1) as number;
  const sizes = s.ints('qkv_hidden_sizes') ?? [width / 3, width / 3, width / 3];
  const [q, k, v] = sizes.map((size, i) => {
    const start = sizes.slice(0, i).reduce((a, c) => a + c, 0);
    return inHeads(s, b.slice(all, 2, start, start + size), heads);
  }) as [Value, Value, Value];
  const [queries, size] = b.dims(q).slice(2) as [number, number];
  const masks = s.has(5) ? [s.x(5)] : [];
  if (s.int('unidirectional', 0) === 1) masks.push(causal(s, queries, queries, 0));
  const scale = s.float('scale', 0) || 1 / Math.sqrt(size);
  return [joined(s, attend(s, { q, k, v, scale, masks }).y)];
};

/** Pairs of channels turned by an angle that grows with the token's place. */
function rotated(
  s: Scope,
  x: Value,
  [cos, sin]: readonly [Value, Value],
  turned: number,
  interleaved: boolean,
): Value {
  const { b } = s;
  const [n, heads, tokens, size] = b.dims(x) as [number, number, number, number];
  const half = turned / 2;
  const head = turned === size ? x : b.slice(x, 3, 0, turned);
  const [first, second] = interleaved
    ? [0, 1].map((i) =>
        b.reshape(b.slice(b.reshape(head, [n, heads, tokens, half, 2]), 4, i, i + 1), [
          n,
          heads,
          tokens,
          half,
        ]),
      )
    : [b.slice(head, 3, 0, half), b.slice(head, 3, half, turned)];
  const real = b.sub(b.mul(first as Value, cos), b.mul(second as Value, sin));
  const imaginary = b.add(b.mul(first as Value, sin), b.mul(second as Value, cos));
  const apart = [n, heads, tokens, half, 1];
  const whole = interleaved
    ? b.reshape(b.concat([b.reshape(real, apart), b.reshape(imaginary, apart)], 4), [
        n,
        heads,
        tokens,
        turned,
      ])
    : b.concat([real, imaginary], 3);
  return turned === size ? whole : b.concat([whole, b.slice(x, 3, turned, size)], 3);
}

/** @param at the inputs that hold positions, cosines and sines */
const rotaryEmbedding =
  (at: { positions: number; cos: number; sin: number }): Translation =>
  (s) => {
    const { b } = s;
    const flat = s.dims(0).length === 3;
    const caches = s.dims(at.cos).at(-1) as number;
    const turned = s.int('rotary_embedding_dim', 0) || 2 * caches;
    const heads = s.int('num_heads', 0) || (flat ? s.dims(0)[2]! / (2 * caches) : 0);
    const x = inHeads(s, s.x(0), heads);
    const tokens = b.dims(x)[2]!;
    const angles = [at.cos, at.sin].map((input) => {
      const rows = placed(s, s.x(input), at.positions, tokens);
      const [n, , half] = b.dims(rows) as [number, number, number];
      return b.reshape(rows, [n, 1, tokens, half]);
    }) as [Value, Value];
    const y = rotated(s, x, angles, turned, s.int('interleaved', 0) === 1);
    return [flat ? joined(s, y) : y];
  };

/** Rows of a cache [places, half] by position → [n, tokens, half]; others are in order already. */
function placed(s: Scope, cache: Value, positions: number, tokens: number): Value {
  const { b } = s;
  if (b.dims(cache).length === 3) return cache;
  const half = b.dims(cache)[1]!;
  const rowsFrom = (start: number) =>
    b.reshape(b.slice(cache, 0, start, start + tokens), [1, tokens, half]);
  if (!s.has(positions)) return rowsFrom(0);
  const at = b.dims(s.x(positions));
  if (sameDims(at, [1])) return rowsFrom(s.numbers(positions)![0]!);
  if (!broadcastDims(at, [at[0]!, tokens])) s.fail('its positions do not fit the tokens');
  return b.op('Gather', [cache, s.x(positions)], { axis: 0 });
}

export const attentions: Record<string, Translation> = {
  Attention: attention,
  RotaryEmbedding: rotaryEmbedding({ positions: 3, cos: 1, sin: 2 }),
};

export const fusedAttentions: Record<string, Translation> = {
  MultiHeadAttention: multiHeadAttention,
  Attention: projectedAttention,
  RotaryEmbedding: rotaryEmbedding({ positions: 1, cos: 2, sin: 3 }),
};
