/**
 * @file From a policy's pixels to what a reward model takes, at any image size and with a gradient:
 * resize, crop or pad, range, normalization. A resize is one matrix per axis.
 *
 * Weights are those of Pillow's `Image.resize` and of PyTorch's `interpolate(antialias=True)`:
 * half-pixel centers, the kernel widened by the factor of shrinking, cut off at the edges and
 * normalized; cubic with a = −0.5. Without antialias, PyTorch's plain interpolation: a = −0.75,
 * edges repeated. Unlike Pillow nothing is rounded to 8 bits or clipped where a cubic overshoots,
 * for both would stop the gradient.
 */
import { transposeMatrix } from '@/trainer/autodiff/rule';
import type { Builder, Value } from '@/trainer/graph/builder';
import type { Node } from '@/trainer/graph/model';
import { resizeMatrix } from '@/trainer/graph/resize';
import { float32 } from '@/trainer/graph/tensor';

export interface Preprocessing {
  /** Height and width of what the model takes. */
  size: number;
  /**
   * What an image that is not square becomes. `crop`: its shorter side is resized, the middle
   * taken. `pad`: its longer side is resized, the rest black. `squash`: both sides are resized.
   */
  fit: 'crop' | 'pad' | 'squash';
  interpolation: 'bicubic' | 'bilinear';
  antialias: boolean;
  /** What 0 and 1 become before normalization. */
  range: readonly [number, number];
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** Appends [n, 3, size, size] of `images` [n, 3, H, W] in [0, 1]. */
export function appendPreprocessing(b: Builder, images: Value, how: Preprocessing): Value {
  const [, , height, width] = b.dims(images) as [number, number, number, number];
  const { size } = how;
  const [rows, columns] = resizedTo(height, width, how);
  let out = images;
  if (columns !== width || size !== width) {
    const across = transposeMatrix(axisMatrix(width, columns, how), size, width);
    out = b.matmul(out, b.tensor(float32([width, size], across)));
  }
  if (rows !== height || size !== height) {
    out = b.matmul(b.tensor(float32([size, height], axisMatrix(height, rows, how))), out);
  }
  const [low, high] = how.range;
  const perChannel = (of: (channel: 0 | 1 | 2) => number) =>
    b.tensor(float32([1, 3, 1, 1], ([0, 1, 2] as const).map(of)));
  const scaled = b.mul(
    out,
    perChannel((c) => (high - low) / how.std[c]),
  );
  return b.add(
    scaled,
    perChannel((c) => (low - how.mean[c]) / how.std[c]),
  );
}

/**
 * Height and width after resizing, before crop or pad. Rounded as the source does: torchvision's
 * `Resize` cuts off, open_clip's `ResizeMaxSize` multiplies by one scale and rounds a half to even,
 * as Python's `round`.
 */
function resizedTo(height: number, width: number, { fit, size }: Preprocessing): [number, number] {
  if (fit === 'squash') return [size, size];
  const longer = Math.max(height, width);
  const shorter = Math.min(height, width);
  const other =
    fit === 'crop'
      ? Math.floor((size * longer) / shorter)
      : roundHalfToEven(shorter * (size / longer));
  const heightLeads = fit === 'crop' ? height === shorter : height === longer;
  return heightLeads ? [size, other] : [other, size];
}

/**
 * `size`×`from` matrix (row-major) that resizes an axis to `to` and takes its middle, or lays it in
 * the middle of zeros.
 */
export function axisMatrix(
  from: number,
  to: number,
  { size, interpolation, antialias }: Pick<Preprocessing, 'size' | 'interpolation' | 'antialias'>,
): Float32Array {
  const resized = resizeMatrix(resizeNode(interpolation, antialias), from, to);
  const matrix = new Float32Array(size * from);
  const spare = to - size;
  // torchvision's crop rounds half a pixel to even, open_clip's pad rounds it down.
  const first = spare >= 0 ? roundHalfToEven(spare / 2) : -Math.floor(-spare / 2);
  for (let row = 0; row < size; row++) {
    const source = row + first;
    if (source < 0 || source >= to) continue;
    matrix.set(resized.subarray(source * from, (source + 1) * from), row * from);
  }
  return matrix;
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The convention as attributes of ONNX's Resize. */
function resizeNode(interpolation: 'bicubic' | 'bilinear', antialias: boolean): Node {
  const int = (value: number) => ({ kind: 'int', value }) as const;
  return {
    name: '',
    op: 'Resize',
    domain: '',
    inputs: [],
    outputs: [],
    attributes: {
      mode: { kind: 'string', value: interpolation === 'bicubic' ? 'cubic' : 'linear' },
      cubic_coeff_a: { kind: 'float', value: antialias ? -0.5 : -0.75 },
      antialias: int(antialias ? 1 : 0),
      exclude_outside: int(antialias ? 1 : 0),
    },
  };
}
