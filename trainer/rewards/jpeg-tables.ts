/**
 * @file What a JPEG encoder multiplies by: the cosine transform of 8×8 blocks and the standard's
 * example quantization.
 */

/** Rows of luma quantization at quality 50 (ITU-T T.81, table K.1). */
const luma = [
  [16, 11, 10, 16, 24, 40, 51, 61],
  [12, 12, 14, 19, 26, 58, 60, 55],
  [14, 13, 16, 24, 40, 57, 69, 56],
  [14, 17, 22, 29, 51, 87, 80, 62],
  [18, 22, 37, 56, 68, 109, 103, 77],
  [24, 35, 55, 64, 81, 104, 113, 92],
  [49, 64, 78, 87, 103, 121, 120, 101],
  [72, 92, 95, 98, 112, 100, 103, 99],
];

/** The same of both chroma planes (table K.2); all that is left out is 99. */
const chroma = [
  [17, 18, 24, 47],
  [18, 21, 26, 66],
  [24, 26, 56],
  [47, 66],
];

const length = 8;

/**
 * Quantization steps of a plane, row-major by frequency, at a quality of 50 to 100 as libjpeg
 * scales them.
 */
export function quantization(plane: 'luma' | 'chroma', quality: number): number[] {
  const percent = 200 - 2 * quality;
  return Array.from({ length: length ** 2 }, (_, i) => {
    const [row, column] = [Math.floor(i / length), i % length];
    const step = plane === 'luma' ? luma[row]?.[column] : (chroma[row]?.[column] ?? 99);
    return Math.max(1, Math.floor(((step as number) * percent + 50) / 100));
  });
}

/**
 * Kernels [64, 1, 8, 8] that turn a block into its quantized coefficients, not yet rounded: the
 * cosine transform (T.81, A.3.3), each frequency divided by its step.
 */
export function blockKernels(steps: readonly number[]): Float32Array {
  const wave = (frequency: number, x: number) =>
    ((frequency === 0 ? Math.SQRT1_2 : 1) / 2) * Math.cos(((2 * x + 1) * frequency * Math.PI) / 16);
  const kernels = new Float32Array(length ** 4);
  for (let i = 0; i < kernels.length; i++) {
    const [frequency, pixel] = [Math.floor(i / length ** 2), i % length ** 2];
    const vertical = wave(Math.floor(frequency / length), Math.floor(pixel / length));
    const horizontal = wave(frequency % length, pixel % length);
    kernels[i] = (vertical * horizontal) / steps[frequency]!;
  }
  return kernels;
}
