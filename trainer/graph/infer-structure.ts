/**
 * @file Output shapes of operators that only move elements: reshape, cut, join, repeat, pad and
 * gather.
 */
import type { InferScope, Rule } from './infer-scope';
import { intAttr, intsAttr } from './model';
import { broadcastDims } from './numbers';
import { resizeOutput } from './resize';
import { formatDims, sizeOf } from './tensor';

function axesInput(s: InferScope): number[] | undefined {
  return s.optionalNumbers(1);
}

export const structure: Record<string, Rule> = {
  Reshape: (s) => {
    const from = s.dims(0);
    const allowZero = intAttr(s.node, 'allowzero', 0) === 1;
    const to = s.numbers(1).map((dim, i) => (dim === 0 && !allowZero ? (from[i] ?? 0) : dim));
    const size = sizeOf(from);
    const rest = to.filter((dim) => dim !== -1).reduce((a, b) => a * b, 1);
    const dims = to.map((dim) => (dim === -1 ? size / rest : dim));
    if (!dims.every(Number.isInteger) || sizeOf(dims) !== size) {
      s.fail(`cannot reshape to ${formatDims(to)}`);
    }
    return [{ dtype: s.type(0).dtype, dims }];
  },
  Flatten: (s) => {
    const dims = s.dims(0);
    const axis = intAttr(s.node, 'axis', 1);
    const split = axis < 0 ? axis + dims.length : axis;
    return [
      { dtype: s.type(0).dtype, dims: [sizeOf(dims.slice(0, split)), sizeOf(dims.slice(split))] },
    ];
  },
  Transpose: (s) => {
    const dims = s.dims(0);
    const perm = intsAttr(s.node, 'perm') ?? dims.map((_, i) => dims.length - 1 - i);
    if (perm.length !== dims.length) s.fail(`perm ${formatDims(perm)} does not fit`);
    return [{ dtype: s.type(0).dtype, dims: perm.map((axis) => dims[axis]!) }];
  },
  Squeeze: (s) => {
    const dims = s.dims(0);
    const axes = axesInput(s)?.map((axis) => s.axis(axis, dims.length));
    return [
      {
        dtype: s.type(0).dtype,
        dims: dims.filter((dim, i) => (axes ? !axes.includes(i) : dim !== 1)),
      },
    ];
  },
  Unsqueeze: (s) => {
    const given = axesInput(s) ?? s.fail('axes are missing');
    const rank = s.dims(0).length + given.length;
    const axes = new Set(given.map((axis) => s.axis(axis, rank)));
    const rest = [...s.dims(0)];
    const dims = Array.from({ length: rank }, (_, i) =>
      axes.has(i) ? 1 : (rest.shift() as number),
    );
    return [{ dtype: s.type(0).dtype, dims }];
  },
  Concat: (s) => {
    const first = s.dims(0);
    const axis = s.axis(intAttr(s.node, 'axis', 0), first.length);
    let total = 0;
    s.node.inputs.forEach((_, i) => {
      const dims = s.dims(i);
      if (dims.length !== first.length || dims.some((dim, j) => j !== axis && dim !== first[j])) {
        s.fail(`input ${i} does not fit the first`);
      }
      total += dims[axis]!;
    });
    return [{ dtype: s.type(0).dtype, dims: first.map((dim, i) => (i === axis ? total : dim)) }];
  },
  Split: (s) => {
    const dims = s.dims(0);
    const axis = s.axis(intAttr(s.node, 'axis', 0), dims.length);
    const count = s.node.outputs.length;
    const length = dims[axis]!;
    const even = Math.ceil(length / count);
    const sizes =
      s.optionalNumbers(1) ??
      Array.from({ length: count }, (_, i) => Math.min(even, length - i * even));
    if (sizes.reduce((a, b) => a + b, 0) !== length)
      s.fail(`split ${formatDims(sizes)} does not fit`);
    return sizes.map((size) => ({
      dtype: s.type(0).dtype,
      dims: dims.map((dim, i) => (i === axis ? size : dim)),
    }));
  },
  Slice: (s) => {
    const dims = [...s.dims(0)];
    for (const { axis, count } of sliceRanges(s)) dims[axis] = count;
    return [{ dtype: s.type(0).dtype, dims }];
  },
  Expand: (s) => [
    {
      dtype: s.type(0).dtype,
      dims: broadcastDims(s.dims(0), s.numbers(1)) ?? s.fail('the shapes do not broadcast'),
    },
  ],
  Tile: (s) => {
    const repeats = s.numbers(1);
    return [{ dtype: s.type(0).dtype, dims: s.dims(0).map((dim, i) => dim * repeats[i]!) }];
  },
  Pad: (s) => {
    const dims = s.dims(0);
    const pads = padWidths(s);
    return [
      {
        dtype: s.type(0).dtype,
        dims: dims.map((dim, i) => dim + pads[i]! + pads[i + dims.length]!),
      },
    ];
  },
  Resize: (s) => [{ dtype: s.type(0).dtype, dims: resizeOutput(s) }],
  DepthToSpace: (s) => {
    const [n, c, h, w] = s.dims(0) as [number, number, number, number];
    const block = intAttr(s.node, 'blocksize', 1);
    return [{ dtype: s.type(0).dtype, dims: [n, c / block ** 2, h * block, w * block] }];
  },
  SpaceToDepth: (s) => {
    const [n, c, h, w] = s.dims(0) as [number, number, number, number];
    const block = intAttr(s.node, 'blocksize', 1);
    return [{ dtype: s.type(0).dtype, dims: [n, c * block ** 2, h / block, w / block] }];
  },
  Gather: (s) => {
    const dims = s.dims(0);
    const axis = s.axis(intAttr(s.node, 'axis', 0), dims.length);
    return [
      {
        dtype: s.type(0).dtype,
        dims: [...dims.slice(0, axis), ...s.dims(1), ...dims.slice(axis + 1)],
      },
    ];
  },
  GatherElements: (s) => [{ dtype: s.type(0).dtype, dims: s.dims(1) }],
  GatherND: (s) => {
    const index = s.dims(1);
    const batch = intAttr(s.node, 'batch_dims', 0);
    const depth = index[index.length - 1]!;
    return [
      {
        dtype: s.type(0).dtype,
        dims: [...index.slice(0, -1), ...s.dims(0).slice(batch + depth)],
      },
    ];
  },
};

export interface SliceRange {
  axis: number;
  start: number;
  step: number;
  count: number;
}

/**
 * What a Slice takes of each sliced axis: first index, step (may be negative) and number of
 * elements.
 */
export function sliceRanges(s: InferScope): SliceRange[] {
  const dims = s.dims(0);
  const starts = s.numbers(1);
  const ends = s.numbers(2);
  const axes = s.optionalNumbers(3) ?? starts.map((_, i) => i);
  const steps = s.optionalNumbers(4) ?? starts.map(() => 1);
  return axes.map((given, i) => {
    const axis = s.axis(given, dims.length);
    const length = dims[axis]!;
    const step = steps[i]!;
    if (step === 0) s.fail('a slice step is 0');
    const clamp = (value: number, low: number, high: number) =>
      Math.min(Math.max(value < 0 ? value + length : value, low), high);
    const start = step > 0 ? clamp(starts[i]!, 0, length) : clamp(starts[i]!, 0, length - 1);
    const end = step > 0 ? clamp(ends[i]!, 0, length) : clamp(ends[i]!, -1, length - 1);
    return { axis, start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

/** Pad's widths, all begins then all ends, one per axis of the input. */
export function padWidths(s: InferScope): number[] {
  const rank = s.dims(0).length;
  const given = s.numbers(1);
  const axes = s.optionalNumbers(3)?.map((axis) => s.axis(axis, rank));
  if (!axes) return given;
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i]!;
    pads[axis + rank] = given[i + axes.length]!;
  });
  return pads;
}
