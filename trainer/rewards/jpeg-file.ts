/**
 * @file How many kilobytes an image takes as a JPEG file: (in)compressibility as DDPO and D3PO
 * measure it, for methods that need no gradient. Quality 95, 4:2:0, baseline, the standard's
 * Huffman tables, 1 kB = 1000 bytes (d3po `rewards.py`, which measures Pillow's files).
 */
import sharp from 'sharp';
import { toRgb } from '@/trainer/diffusion/images/png';
import { jpegQuality } from './jpeg';
import type { OpenScorer, ScoredBatch } from './scorer';

/**
 * The segment in which a file says that it follows JFIF. Pillow writes it; libvips leaves it out
 * with other metadata.
 */
const jfifBytes = 18;

function bytesAsJfif(file: Uint8Array): number {
  const hasJfif = file[2] === 0xff && file[3] === 0xe0;
  return file.byteLength + (hasJfif ? 0 : jfifBytes);
}

/**
 * Kilobytes of each image as a JPEG file, to the byte what Pillow writes. @param pixels [images, 3,
 * height, width] in [0, 1]
 */
export async function jpegKilobytes(
  pixels: Float32Array,
  { images, height, width }: ScoredBatch,
): Promise<Float32Array> {
  const size = 3 * height * width;
  const kilobytes = new Float32Array(images);
  for (let i = 0; i < images; i++) {
    const { data } = toRgb(pixels.subarray(i * size, (i + 1) * size), width, height);
    const file = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: jpegQuality, chromaSubsampling: '4:2:0', optimizeCoding: false })
      .toBuffer();
    kilobytes[i] = bytesAsJfif(file) / 1000;
  }
  return kilobytes;
}

const scorer =
  (name: string, sign: 1 | -1): OpenScorer =>
  async (_, batch) => ({
    name: `${name} (file, quality ${jpegQuality}, 4:2:0)`,
    score: async (pixels) => ({
      scores: (await jpegKilobytes(pixels, batch)).map((size) => sign * size),
      parts: {},
    }),
    release: async () => {},
  });

/** By the names of the rewards that estimate the same with a gradient. */
export const fileSizeScorers = {
  /** Minus the kilobytes. */
  compressibility: scorer('compressibility', -1),
  incompressibility: scorer('incompressibility', 1),
};
