/**
 * @file Gradients of pooling. Every window is seen as k values per channel, gathered by a one-hot
 * convolution.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { type Window, windowOf } from '@/trainer/graph/infer-windows';
import { intAttr, intsAttr } from '@/trainer/graph/model';
import { dtypeNumber } from '@/trainer/graph/onnx/dtypes';
import { float32, int64 } from '@/trainer/graph/tensor';
import type { Rule, RuleScope } from '../rule';

const product = (values: readonly number[]) => values.reduce((a, c) => a * c, 1);

interface Pool extends Window {
  from: readonly number[];
  to: readonly number[];
  images: number;
}

function poolOf(r: RuleScope): Pool {
  const [n, c, ...from] = r.dims(0) as [number, number, ...number[]];
  const kernel = intsAttr(r.node, 'kernel_shape') ?? r.fail('kernel_shape is missing');
  return {
    ...windowOf(r.node, from, kernel),
    from,
    to: r.b.dims(r.y[0]!).slice(2),
    images: n * c,
  };
}

/**
 * Spreads window values [images, kernels, out…] back over the padded input and crops the padding.
 */
function spread(b: Builder, values: Value, kernels: Value, pool: Pool): Value {
  const spatial = pool.from.length;
  const raw = b.op('ConvTranspose', [values, kernels], {
    kernel_shape: pool.kernel,
    strides: pool.strides,
    dilations: pool.dilations,
  });
  const rank = spatial + 2;
  const dims = b.dims(raw);
  const pads = new Array<number>(2 * rank).fill(0);
  pool.from.forEach((length, i) => {
    const before = pool.pads[i]!;
    pads[i + 2] = -before;
    pads[i + 2 + rank] = length + before - dims[i + 2]!;
  });
  return pads.every((pad) => pad === 0) ? raw : b.op('Pad', [raw, b.ints(pads)]);
}

const averagePool: Rule = (r) => {
  const { b } = r;
  const pool = poolOf(r);
  const size = product(pool.kernel);
  const g = b.reshape(r.g, [pool.images, 1, ...pool.to]);
  const ones = b.tensor(float32([1, 1, ...pool.kernel], new Float32Array(size).fill(1)));
  const counts =
    intAttr(r.node, 'count_include_pad', 0) === 1 || pool.pads.every((pad) => pad === 0)
      ? b.scale(g, 1 / size)
      : b.div(g, b.tensor(float32([1, 1, ...pool.to], windowCounts(pool))));
  return [b.reshape(spread(b, counts, ones, pool), r.dims(0))];
};

/** How many real (not padded) elements each window covers. */
function windowCounts(pool: Pool): number[] {
  const along = pool.from.map((length, i) =>
    Array.from({ length: pool.to[i]! }, (_, o) => {
      let count = 0;
      for (let k = 0; k < pool.kernel[i]!; k++) {
        const at = o * pool.strides[i]! + k * pool.dilations[i]! - pool.pads[i]!;
        if (at >= 0 && at < length) count++;
      }
      return count;
    }),
  );
  return along.reduce<number[]>((acc, axis) => acc.flatMap((a) => axis.map((c) => a * c)), [1]);
}

/** The gradient goes to the first largest element of each window, as in PyTorch. */
const maxPool: Rule = (r) => {
  const { b } = r;
  const pool = poolOf(r);
  if (intAttr(r.node, 'ceil_mode', 0) === 1)
    r.fail('ceil_mode has no rule; export the pool without it');
  const size = product(pool.kernel);
  const oneHot = new Float32Array(size * size);
  for (let k = 0; k < size; k++) oneHot[k * size + k] = 1;
  const kernels = b.tensor(float32([size, 1, ...pool.kernel], oneHot));
  const rank = pool.from.length + 2;
  let x = b.reshape(r.input(0), [pool.images, 1, ...pool.from]);
  if (pool.pads.some((pad) => pad !== 0)) {
    const spatial = pool.from.length;
    const pads = new Array<number>(2 * rank).fill(0);
    pool.pads.forEach((pad, i) => {
      pads[i < spatial ? i + 2 : i - spatial + 2 + rank] = pad;
    });
    // Not infinity: the one-hot convolution would turn 0·∞ into NaN.
    x = b.op('Pad', [x, b.ints(pads), b.scalar(-1e30, b.dtype(x))]);
  }
  const windows = b.op('Conv', [x, kernels], {
    kernel_shape: pool.kernel,
    strides: pool.strides,
    dilations: pool.dilations,
  });
  const y = b.reshape(r.y[0]!, [pool.images, 1, ...pool.to]);
  const to = dtypeNumber(b.dtype(x));
  const hit = b.op('Cast', [b.op('Equal', [windows, y])], { to });
  const earlier = b.op('CumSum', [hit, b.tensor(int64([], [1]))], { exclusive: 1 });
  const first = b.mul(
    hit,
    b.op('Cast', [b.op('Less', [earlier, b.scalar(0.5, b.dtype(x))])], { to }),
  );
  const g = b.mul(first, b.reshape(r.g, [pool.images, 1, ...pool.to]));
  return [b.reshape(spread(b, g, kernels, pool), r.dims(0))];
};

const globalAveragePool: Rule = (r) => {
  const dims = r.dims(0);
  return [r.b.expand(r.b.scale(r.g, 1 / product(dims.slice(2))), dims)];
};

export const pooling: Record<string, Rule> = {
  AveragePool: averagePool,
  MaxPool: maxPool,
  GlobalAveragePool: globalAveragePool,
};
