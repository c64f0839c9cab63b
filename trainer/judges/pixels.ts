/**
 * @file Pixels as the networks of imported judges were fed: bilinear, in planes. Each way of
 * placing the samples is that of the program a network came from; another would show it another
 * image.
 */
import type { RgbImage } from '@/trainer/diffusion/images/png';

/** A part of an image, its sides as shares of the image's: it may reach beyond. */
export interface Box {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

export const whole: Box = { top: 0, left: 0, bottom: 1, right: 1 };

/**
 * `corners`: the outermost samples lie on the outermost pixels (TensorFlow's `cropAndResize`, and
 * `resizeBilinear` with `alignCorners`). `edges`: sample i lies at i · side / size, as
 * TensorFlow 1 resized.
 */
export type Placing = 'corners' | 'edges';

/**
 * A part of an image as [3, size, size] in [0, 1]; black beyond the image.
 * @param box for `edges` the whole image
 */
export function resized(
  { data, width, height }: RgbImage,
  size: number,
  placing: Placing,
  { top, left, bottom, right }: Box = whole,
): Float32Array {
  const rows = positions(height, size, placing, top, bottom);
  const columns = positions(width, size, placing, left, right);
  const out = new Float32Array(3 * size * size);
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      if (!row || !column) return;
      for (let channel = 0; channel < 3; channel++) {
        const at = (r: number, c: number) => data[3 * (r * width + c) + channel]!;
        const above = mixed(at(row.low, column.low), at(row.low, column.high), column.share);
        const below = mixed(at(row.high, column.low), at(row.high, column.high), column.share);
        out[(channel * size + y) * size + x] = mixed(above, below, row.share) / 255;
      }
    });
  });
  return out;
}

function mixed(low: number, high: number, share: number): number {
  return low + (high - low) * share;
}

interface Position {
  low: number;
  high: number;
  /** How much of the higher one. */
  share: number;
}

/** Between which pixels of an axis the samples lie; null for one beyond. */
function positions(
  side: number,
  size: number,
  placing: Placing,
  begin: number,
  end: number,
): (Position | null)[] {
  return Array.from({ length: size }, (_, i) => {
    const at =
      placing === 'edges'
        ? Math.min((i * side) / size, side - 1)
        : (begin + (i * (end - begin)) / (size - 1)) * (side - 1);
    if (at < 0 || at > side - 1) return null;
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, side - 1), share: at - low };
  });
}
