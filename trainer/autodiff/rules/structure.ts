/**
 * @file Gradients of operators that only move elements: reshapes, slices, joins, pads and resizes.
 */
import { padWidths, sliceRanges } from '@/trainer/graph/infer-structure';
import { intAttr, intsAttr, stringAttr } from '@/trainer/graph/model';
import { resizeMatrix } from '@/trainer/graph/resize';
import {
  mapAxis,
  padAxis,
  type Rule,
  type RuleScope,
  transposeMatrix,
  unbroadcast,
  zerosOf,
} from '../rule';

const backToInputShape: Rule = (r) => [r.b.reshape(r.g, r.dims(0))];

const transpose: Rule = (r) => {
  const rank = r.dims(0).length;
  const perm = intsAttr(r.node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  return [
    r.b.transpose(
      r.g,
      perm.map((_, axis) => perm.indexOf(axis)),
    ),
  ];
};

const concat: Rule = (r) => {
  const rank = r.dims(0).length;
  const axis = r.axis(intAttr(r.node, 'axis', 0), rank);
  let at = 0;
  return r.x.map((_, i) => {
    const start = at;
    at += r.dims(i)[axis]!;
    return r.needs(i) ? r.b.slice(r.g, axis, start, at) : undefined;
  });
};

const split: Rule = (r) => {
  const axis = r.axis(intAttr(r.node, 'axis', 0), r.dims(0).length);
  const parts = r.y.map((y, i) => r.gradients[i] ?? zerosOf(r.b, r.input(0), r.b.dims(y)));
  return [r.b.concat(parts, axis)];
};

/** A 0/1 matrix that puts row `j` of the gradient where element `j` of the slice came from. */
function scatterMatrix(from: number, positions: readonly number[]): Float32Array {
  const matrix = new Float32Array(from * positions.length);
  positions.forEach((position, j) => {
    matrix[position * positions.length + j] = 1;
  });
  return matrix;
}

const slice: Rule = (r) => {
  let gradient = r.g;
  for (const { axis, start, step, count } of sliceRanges(r.shapes)) {
    const length = r.dims(0)[axis]!;
    if (step === 1) gradient = padAxis(r.b, gradient, axis, start, length - start - count);
    else {
      const positions = Array.from({ length: count }, (_, j) => start + j * step);
      gradient = mapAxis(r.b, gradient, axis, scatterMatrix(length, positions), length);
    }
  }
  return [gradient];
};

const pad: Rule = (r) => {
  const mode = stringAttr(r.node, 'mode', 'constant');
  const pads = padWidths(r.shapes);
  const dims = r.dims(0);
  let gradient = r.g;
  dims.forEach((length, axis) => {
    const before = pads[axis]!;
    const after = pads[axis + dims.length]!;
    if (before === 0 && after === 0) return;
    if (mode === 'constant') {
      gradient = padAxis(r.b, gradient, axis, -before, -after);
      return;
    }
    const padded = length + before + after;
    const matrix = new Float32Array(length * padded);
    for (let i = 0; i < padded; i++) matrix[sourceOf(i - before, length, mode, r) * padded + i] = 1;
    gradient = mapAxis(r.b, gradient, axis, matrix, length);
  });
  return [gradient];
};

/** The element that a padded position repeats. */
function sourceOf(i: number, length: number, mode: string, r: RuleScope): number {
  if (mode === 'edge') return Math.min(Math.max(i, 0), length - 1);
  if (mode === 'wrap') return ((i % length) + length) % length;
  if (mode !== 'reflect') return r.fail(`padding mode "${mode}" has no rule`);
  const period = Math.max(1, 2 * (length - 1));
  const folded = ((i % period) + period) % period;
  return folded < length ? folded : period - folded;
}

const tile: Rule = (r) => {
  const dims = r.dims(0);
  const repeats = r.shapes.numbers(1);
  const interleaved = dims.flatMap((dim, i) => [repeats[i]!, dim]);
  const summed = r.b.reduceSum(
    r.b.reshape(r.g, interleaved),
    dims.map((_, i) => 2 * i),
  );
  return [r.b.reshape(summed, dims)];
};

const resize: Rule = (r) => {
  const { b } = r;
  const from = r.dims(0);
  const to = b.dims(r.g);
  const doubled =
    from.length === 4 && to[2] === 2 * from[2]! && to[3] === 2 * from[3]! && to[1] === from[1];
  const nearest = stringAttr(r.node, 'mode', 'nearest') === 'nearest';
  if (doubled && nearest && isRepeat(resizeMatrix(r.node, from[2]!, to[2]!), 2)) {
    // Every pixel was repeated 2×2: its gradient is the sum of the four.
    const pooled = b.op('AveragePool', [r.g], { kernel_shape: [2, 2], strides: [2, 2] });
    return [b.scale(pooled, 4)];
  }
  const scales = r.x[2] ? r.shapes.optionalNumbers(2) : undefined;
  let gradient = r.g;
  from.forEach((length, axis) => {
    const target = to[axis]!;
    if (length === target) return;
    const matrix = resizeMatrix(
      r.node,
      length,
      target,
      scales?.length === from.length ? scales[axis] : undefined,
    );
    gradient = mapAxis(b, gradient, axis, transposeMatrix(matrix, target, length), length);
  });
  return [gradient];
};

function isRepeat(matrix: Float32Array, times: number): boolean {
  const from = Math.sqrt(matrix.length / times);
  return matrix.every(
    (value, i) => value === (Math.floor(Math.floor(i / from) / times) === i % from ? 1 : 0),
  );
}

/** Depth-to-space only moves elements, so its gradient is the same move backwards. */
const depthToSpace: Rule = (r) => {
  const { b } = r;
  const [n, c, h, w] = r.dims(0) as [number, number, number, number];
  const block = intAttr(r.node, 'blocksize', 1);
  const depth = c / block ** 2;
  const blocks = b.reshape(r.g, [n, depth, h, block, w, block]);
  const order =
    stringAttr(r.node, 'mode', 'DCR') === 'CRD' ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
  return [b.reshape(b.transpose(blocks, order), [n, c, h, w])];
};

const spaceToDepth: Rule = (r) => [
  r.b.op('DepthToSpace', [r.g], { blocksize: intAttr(r.node, 'blocksize', 1) }),
];

export const structure: Record<string, Rule> = {
  Reshape: backToInputShape,
  Flatten: backToInputShape,
  Squeeze: backToInputShape,
  Unsqueeze: backToInputShape,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Expand: (r) => [unbroadcast(r.b, r.g, r.dims(0))],
  Tile: tile,
  Pad: pad,
  Resize: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
