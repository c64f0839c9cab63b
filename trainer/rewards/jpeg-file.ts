/**
 * @file How many kilobytes an image takes as a JPEG file: (in)compressibility as DDPO and D3PO measure it, for methods that
 * need no gradient. Quality 95, 4:2:0, baseline, the standard's Huffman tables, 1 kB = 1000 bytes (d3po `rewards.py`).
 */
import sharp from 'sharp';
import { toRgb } from '@/trainer/diffusion/images';
import { sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { jpegQuality } from './jpeg';
import type { PixelScore } from './reward';

/** Kilobytes of each of `images` [n, 3, H, W] in [0, 1] as a JPEG file. */
export async function jpegKilobytes(images: Tensor<'float32'>): Promise<Float32Array> {
  const [n, , height, width] = images.dims as [number, number, number, number];
  const size = sizeOf(images.dims.slice(1));
  const kilobytes = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const { data } = toRgb(images.data.subarray(i * size, (i + 1) * size), width, height);
    const file = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: jpegQuality, chromaSubsampling: '4:2:0', optimizeCoding: false })
      .toBuffer();
    kilobytes[i] = file.byteLength / 1000;
  }
  return kilobytes;
}

/** Minus the kilobytes. */
export const compressibilityOfFile: PixelScore = {
  name: 'compressibility (file, quality 95, 4:2:0)',
  score: async (images) => (await jpegKilobytes(images)).map((size) => -size),
};

export const incompressibilityOfFile: PixelScore = {
  name: 'incompressibility (file, quality 95, 4:2:0)',
  score: jpegKilobytes,
};
