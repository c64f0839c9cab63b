/** @file Numbers and tensors that the families share. */
import { z } from 'zod';
import { float32, type Tensor } from '@/trainer/graph/tensor';

const positive = z.number().int().positive();

/** A width of attention, of all blocks or of each: then it is the first's. */
export const widthSchema = z
  .union([positive, z.array(positive).min(1)])
  .transform((width) => [width].flat()[0]!);

/** Rows of several encoders side by side: [tokens, a] and [tokens, b] are [tokens, a + b]. */
export function sideBySide(parts: readonly Tensor<'float32'>[]): Tensor<'float32'> {
  const rows = parts[0]!.dims.length === 1 ? 1 : parts[0]!.dims[0]!;
  const widths = parts.map(({ data }) => data.length / rows);
  const whole = widths.reduce((sum, width) => sum + width, 0);
  const joined = new Float32Array(rows * whole);
  for (let row = 0; row < rows; row++) {
    let at = row * whole;
    parts.forEach(({ data }, i) => {
      const width = widths[i]!;
      joined.set(data.subarray(row * width, (row + 1) * width), at);
      at += width;
    });
  }
  return float32(parts[0]!.dims.length === 1 ? [whole] : [rows, whole], joined);
}
