/**
 * @file Resize along one axis as a matrix: what interpolation does is linear, so its gradient is
 * the transpose. Coordinates, cubic kernel and antialiasing as in the ONNX operator specification
 * of Resize (opset 18).
 */

import type { InferScope } from './infer-scope';
import { floatAttr, intAttr, intsAttr, type Node, stringAttr } from './model';

/** Output shape of a Resize node: `sizes` where given, else the scaled input, floored. */
export function resizeOutput(s: InferScope): number[] {
  const dims = s.dims(0);
  const axes =
    intsAttr(s.node, 'axes')?.map((axis) => s.axis(axis, dims.length)) ?? dims.map((_, i) => i);
  const sizes = s.optionalNumbers(3);
  const out = [...dims];
  if (sizes && sizes.length > 0) {
    axes.forEach((axis, i) => {
      out[axis] = sizes[i]!;
    });
    return out;
  }
  const scales = s.numbers(2);
  axes.forEach((axis, i) => {
    out[axis] = Math.floor(dims[axis]! * scales[i]!);
  });
  return out;
}

function cubic(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  if (d < 2) return a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a;
  return 0;
}

function sourceCoordinate(
  mode: string,
  x: number,
  scale: number,
  from: number,
  to: number,
): number {
  switch (mode) {
    case 'asymmetric':
      return x / scale;
    case 'align_corners':
      return to === 1 ? 0 : (x * (from - 1)) / (to - 1);
    case 'pytorch_half_pixel':
      return to > 1 ? (x + 0.5) / scale - 0.5 : 0;
    case 'half_pixel_symmetric': {
      const adjusted = to / (scale * from);
      return (from / 2) * (1 - adjusted) + (x + 0.5) / scale - 0.5;
    }
    default:
      return (x + 0.5) / scale - 0.5;
  }
}

const rounders: Record<string, (x: number) => number> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
};

/**
 * The `to`×`from` matrix (row-major) with which a Resize node maps one axis of length `from` to
 * length `to`.
 */
export function resizeMatrix(
  node: Node,
  from: number,
  to: number,
  scale = to / from,
): Float32Array {
  const mode = stringAttr(node, 'mode', 'nearest');
  const coordinates = stringAttr(node, 'coordinate_transformation_mode', 'half_pixel');
  const round = rounders[stringAttr(node, 'nearest_mode', 'round_prefer_floor')]!;
  const a = floatAttr(node, 'cubic_coeff_a', -0.75);
  const stretch = intAttr(node, 'antialias', 0) === 1 ? Math.max(1, 1 / scale) : 1;
  const excludeOutside = intAttr(node, 'exclude_outside', 0) === 1;
  const matrix = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const x = sourceCoordinate(coordinates, row, scale, from, to);
    if (mode === 'nearest') {
      matrix[row * from + Math.min(Math.max(round(x), 0), from - 1)] = 1;
      continue;
    }
    const reach = (mode === 'cubic' ? 2 : 1) * stretch;
    const taps: [number, number][] = [];
    for (let i = Math.floor(x - reach) + 1; i <= Math.ceil(x + reach); i++) {
      const distance = (i - x) / stretch;
      const weight = mode === 'cubic' ? cubic(distance, a) : Math.max(0, 1 - Math.abs(distance));
      if (weight !== 0 && !(excludeOutside && (i < 0 || i >= from))) taps.push([i, weight]);
    }
    const total = taps.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [i, weight] of taps) {
      const column = row * from + Math.min(Math.max(i, 0), from - 1);
      matrix[column] = matrix[column]! + weight / total;
    }
  }
  return matrix;
}
