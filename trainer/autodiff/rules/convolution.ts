/** @file Gradients of convolutions, composed of Conv, ConvTranspose, Slice and MatMul. */
import type { Builder, Value } from '@/trainer/graph/builder';
import { type Window, windowOf } from '@/trainer/graph/infer-windows';
import { intAttr, type Node } from '@/trainer/graph/model';
import { type Rule, type RuleScope, sumOver } from '../rule';

const product = (values: readonly number[]) => values.reduce((a, c) => a * c, 1);

interface Convolution extends Window {
  group: number;
  /** Spatial lengths of the convolution's input and output. */
  from: readonly number[];
  to: readonly number[];
}

function convolutionOf(
  node: Node,
  input: readonly number[],
  weight: readonly number[],
  output: readonly number[],
): Convolution {
  const window = windowOf(node, input.slice(2), weight.slice(2));
  return { ...window, group: intAttr(node, 'group', 1), from: input.slice(2), to: output.slice(2) };
}

/**
 * dX of y = conv(x, W). With stride 1 it is the convolution with the flipped weight (on a CPU
 * faster than ConvTranspose, and with a frozen weight the flip is folded once); with a stride it is
 * ConvTranspose.
 */
function inputGradient(b: Builder, g: Value, weight: Value, c: Convolution): Value {
  const spatial = c.from.length;
  const reach = c.kernel.map((k, i) => (k - 1) * c.dilations[i]!);
  const flipped = c.kernel.map((_, i) => reach[i]! - c.pads[i]!);
  const flippedEnd = c.kernel.map((_, i) => reach[i]! - c.pads[i + spatial]!);
  const unit = c.strides.every((stride) => stride === 1);
  if (unit && [...flipped, ...flippedEnd].every((pad) => pad >= 0)) {
    return b.op('Conv', [g, flipWeight(b, weight, c.group)], {
      kernel_shape: c.kernel,
      dilations: c.dilations,
      group: c.group,
      pads: [...flipped, ...flippedEnd],
    });
  }
  // Without pads the transposed convolution covers the padded input; what the stride cut off at its
  // end is zero.
  const full = c.from.map((_, i) => (c.to[i]! - 1) * c.strides[i]! + reach[i]! + 1);
  const symmetric = c.kernel.every((_, i) => c.pads[i] === c.pads[i + spatial]);
  const missing = c.from.map((length, i) => length + c.pads[i]! + c.pads[i + spatial]! - full[i]!);
  const attributes = {
    kernel_shape: c.kernel,
    strides: c.strides,
    dilations: c.dilations,
    group: c.group,
  };
  if (symmetric && missing.every((extra, i) => extra >= 0 && extra < c.strides[i]!)) {
    return b.op('ConvTranspose', [g, weight], {
      ...attributes,
      pads: c.pads,
      output_padding: missing,
    });
  }
  const padded = b.op('ConvTranspose', [g, weight], attributes);
  const rank = spatial + 2;
  const pads = new Array<number>(2 * rank).fill(0);
  c.from.forEach((_, i) => {
    pads[i + 2] = -c.pads[i]!;
    pads[i + 2 + rank] = missing[i]! - c.pads[i + spatial]!;
  });
  return b.op('Pad', [padded, b.ints(pads)]);
}

/** W[O,C,k…] → [C,O,k…] within each group, with every spatial axis reversed. */
function flipWeight(b: Builder, weight: Value, group: number): Value {
  const [out, perGroup, ...kernel] = b.dims(weight) as [number, number, ...number[]];
  const dims = [group * perGroup, out / group, ...kernel];
  const swapped =
    group === 1
      ? b.transpose(
          weight,
          dims.map((_, axis) => (axis < 2 ? 1 - axis : axis)),
        )
      : b.reshape(
          b.transpose(b.reshape(weight, [group, out / group, perGroup, ...kernel]), [
            0,
            2,
            1,
            ...kernel.map((_, i) => i + 3),
          ]),
          dims,
        );
  const axes = dims.flatMap((length, axis) => (axis >= 2 && length > 1 ? [axis] : []));
  if (axes.length === 0) return swapped;
  const end = axes.map(() => Number.MIN_SAFE_INTEGER);
  return b.op('Slice', [
    swapped,
    b.ints(axes.map(() => -1)),
    b.ints(end),
    b.ints(axes),
    b.ints(axes.map(() => -1)),
  ]);
}

/**
 * dW of y = conv(x, W), with channels last: for every row of the kernel one product, over all
 * pixels, of the gradient with the input as that row sees it. Their total work is that of the
 * forward pass; what is copied stays small enough for a cache.
 */
function weightGradient(b: Builder, input: Value, g: Value, c: Convolution): Value {
  const spatial = c.from.length;
  const [n, channels] = b.dims(input) as [number, number];
  const outChannels = b.dims(g)[1]!;
  const [inGroup, outGroup] = [channels / c.group, outChannels / c.group];
  const pixels = n * product(c.to);
  const channelsLast = (value: Value) => b.transpose(value, [0, ...c.from.map((_, i) => i + 2), 1]);
  const around = (of: readonly number[]) => [0, ...of, 0];
  const padded = c.pads.some((pad) => pad !== 0)
    ? b.op('Pad', [
        channelsLast(input),
        b.ints([...around(c.pads.slice(0, spatial)), ...around(c.pads.slice(spatial))]),
      ])
    : channelsLast(input);
  const axes = c.from.map((_, i) => i + 1);
  const seenFrom = (position: readonly number[]) => {
    const starts = position.map((at, i) => at * c.dilations[i]!);
    const ends = starts.map((start, i) => start + (c.to[i]! - 1) * c.strides[i]! + 1);
    const whole = ends.every((end, i) => starts[i] === 0 && end === b.dims(padded)[i + 1]);
    if (whole && c.strides.every((stride) => stride === 1)) return padded;
    return b.op('Slice', [padded, b.ints(starts), b.ints(ends), b.ints(axes), b.ints(c.strides)]);
  };
  const grouped = (value: Value, columns: number, perm: readonly number[]) =>
    b.transpose(b.reshape(value, [pixels, c.group, columns]), perm);
  const rows = channelsLast(g);
  const width = c.kernel.at(-1) as number;
  const parts = positions(c.kernel.slice(0, -1)).map((above) => {
    const row = Array.from({ length: width }, (_, x) => seenFrom([...above, x]));
    if (c.group === 1) {
      const seen = b.reshape(b.concat(row, spatial + 1), [pixels, width * channels]);
      const made = b.op('Gemm', [b.reshape(rows, [pixels, outChannels]), seen], { transA: 1 });
      return b.reshape(made, [1, outChannels, width, channels]);
    }
    const left = grouped(rows, outGroup, [1, 2, 0]);
    const products = row.map((seen) => b.matmul(left, grouped(seen, inGroup, [1, 0, 2])));
    return b.concat(
      products.map((made) => b.reshape(made, [c.group, outGroup, 1, inGroup])),
      2,
    );
  });
  // [group, O, k, C] to [O, C, k…].
  const whole = b.transpose(b.concat(parts, 2), [0, 1, 3, 2]);
  return b.reshape(whole, [outChannels, inGroup, ...c.kernel]);
}

/** All positions in a box, the last axis fastest. */
function positions(lengths: readonly number[]): number[][] {
  return lengths.reduce<number[][]>(
    (found, length) => found.flatMap((at) => Array.from({ length }, (_, i) => [...at, i])),
    [[]],
  );
}

function biasGradient(r: RuleScope): Value | undefined {
  if (!r.x[2] || !r.needs(2)) return undefined;
  const axes = r.b.dims(r.g).flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  return sumOver(r.b, r.g, axes);
}

const conv: Rule = (r) => {
  const c = convolutionOf(r.node, r.dims(0), r.dims(1), r.b.dims(r.g));
  return [
    r.needs(0) ? inputGradient(r.b, r.g, r.input(1), c) : undefined,
    r.needs(1) ? weightGradient(r.b, r.input(0), r.g, c) : undefined,
    biasGradient(r),
  ];
};

/**
 * The transposed convolution is the input gradient of a convolution, so its own gradients are that
 * convolution.
 */
const convTranspose: Rule = (r) => {
  const { b } = r;
  const outputDims = b.dims(r.g);
  const c = convolutionOf(r.node, outputDims, r.dims(1), r.dims(0));
  const spatial = c.from.length;
  const reach = (i: number) => (c.kernel[i]! - 1) * c.dilations[i]! + 1;
  // output_padding widens the far side: what the convolution back does not see there has no
  // gradient.
  const covered = c.to.map((length, i) => (length - 1) * c.strides[i]! + reach(i));
  const pads = [...c.pads];
  c.from.forEach((length, i) => {
    const end = covered[i]! - length - pads[i]!;
    if (end >= 0) pads[i + spatial] = end;
  });
  const window = { ...c, pads };
  const gradient = () =>
    b.op('Conv', [r.g, r.input(1)], {
      kernel_shape: c.kernel,
      strides: c.strides,
      dilations: c.dilations,
      group: c.group,
      pads,
    });
  return [
    r.needs(0) ? gradient() : undefined,
    r.needs(1) ? weightGradient(b, r.g, r.input(0), window) : undefined,
    biasGradient(r),
  ];
};

export const convolution: Record<string, Rule> = { Conv: conv, ConvTranspose: convTranspose };
