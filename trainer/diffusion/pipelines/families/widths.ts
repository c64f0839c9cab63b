/** @file Numbers and tensors that the families share. */
import { z } from 'zod';
import { concatenated, float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';

const positive = z.number().int().positive();

/** A width of attention, of all blocks or of each: then it is the first's. */
export const widthSchema = z
  .union([positive, z.array(positive).min(1)])
  .transform((width) => [width].flat()[0]!);

/**
 * Rows of several encoders side by side: [tokens, a] and [tokens, b] are [tokens, a + b], with
 * zeros behind them up to `width`.
 */
export function sideBySide(parts: readonly Tensor<'float32'>[], width = 0): Tensor<'float32'> {
  const around = parts[0]!.dims.slice(0, -1);
  const rows = sizeOf(around);
  const widths = parts.map(({ dims }) => dims.at(-1)!);
  const whole = Math.max(
    width,
    widths.reduce((sum, own) => sum + own, 0),
  );
  const joined = new Float32Array(rows * whole);
  for (let row = 0; row < rows; row++) {
    let at = row * whole;
    parts.forEach(({ data }, i) => {
      const own = widths[i]!;
      joined.set(data.subarray(row * own, (row + 1) * own), at);
      at += own;
    });
  }
  return float32([...around, whole], joined);
}

/** One below the other: [a, width] and [b, width] are [a + b, width]; else the one that is not. */
export function stackedRows(parts: readonly Tensor<'float32'>[], width: number): Tensor<'float32'> {
  const other = parts.find(({ dims }) => dims[1] !== width);
  if (other) return other;
  const rows = parts.reduce((sum, { dims }) => sum + dims[0]!, 0);
  return float32([rows, width], concatenated(parts.map(({ data }) => data)));
}
