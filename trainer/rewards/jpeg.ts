/**
 * @file How many kilobytes an image takes as JPEG, in a form with a gradient: compressibility and
 * incompressibility, the rewards of DDPO (Black et al., arXiv 2305.13301) and D3PO (`rewards.py`:
 * quality 95, bytes / 1000).
 *
 * As an encoder does (ITU-T T.81 with JFIF's colors): YCbCr of BT.601, chroma halved in both
 * directions (4:2:0, which PIL and libjpeg take unless told), edges repeated up to whole blocks,
 * cosine transform, division by the quantization steps. There q would be rounded and Huffman-coded.
 * Instead a coefficient costs bits(q) = 0.8·log2(1 + (4q)²), smooth and 0 at q = 0; a block's mean
 * counts as its difference from the block before, as in the code; 3 bits close a block. The three
 * numbers were fitted to file sizes of drawn hands, and the test holds them to within a few per
 * cent.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';
import { blockKernels, quantization } from './jpeg-tables';
import { ofPixels } from './reward';

export const jpegQuality = 95;

const block = 8;
/** Four luma blocks share a pair of chroma blocks. */
const unit = 2 * block;

const bitsPerDoubling = 0.8;
const sharpness = 4;
const bitsPerBlock = 3;
/** Markers, JFIF's segment, quantization and Huffman tables. */
const headerBytes = 627;

/** Estimated kilobytes [n] of `images` [n, 3, H, W] in [0, 1]; any height and width. */
export function appendJpegKilobytes(b: Builder, images: Value): Value {
  const [n, , height, width] = b.dims(images) as [number, number, number, number];
  const [down, right] = [height, width].map((size) => Math.ceil(size / unit) * unit - size);
  const whole =
    down === 0 && right === 0
      ? images
      : b.op('Pad', [images, b.ints([0, 0, 0, 0, 0, 0, down as number, right as number])], {
          mode: 'edge',
        });
  const planes = b.op('Conv', [whole, b.tensor(colors), b.tensor(levelShift)]);
  const luma = b.slice(planes, 1, 0, 1);
  const chroma = b.op('AveragePool', [b.slice(planes, 1, 1, 3)], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  });
  const [, , rows, columns] = b.dims(chroma) as [number, number, number, number];
  const bits = b.add(
    b.reshape(planeBits(b, luma, 'luma'), [n]),
    b.reduceSum(
      b.reshape(planeBits(b, b.reshape(chroma, [2 * n, 1, rows, columns]), 'chroma'), [n, 2]),
      [1],
      false,
    ),
  );
  return b.add(b.scale(bits, 1 / 8000), b.scalar(headerBytes / 1000));
}

/** RGB in [0, 1] to Y, Cb, Cr around 0 in 8-bit levels. */
const colors = float32(
  [3, 3, 1, 1],
  [0.299, 0.587, 0.114, -0.168736, -0.331264, 0.5, 0.5, -0.418688, -0.081312].map((w) => 255 * w),
);
const levelShift = float32([3], [-128, 0, 0]);

/** Bits of each plane of [planes, 1, H, W]. */
function planeBits(b: Builder, planes: Value, kind: 'luma' | 'chroma'): Value {
  const kernels = blockKernels(quantization(kind, jpegQuality));
  const coefficients = b.op('Conv', [planes, b.tensor(float32([64, 1, block, block], kernels))], {
    strides: [block, block],
  });
  const [count, frequencies, rows, columns] = b.dims(coefficients) as number[];
  const blocks = (rows as number) * (columns as number);
  const lined = b.reshape(coefficients, [count as number, frequencies as number, blocks]);
  const means = b.slice(lined, 1, 0, 1);
  const before = b.op('Pad', [means, b.ints([0, 0, 1, 0, 0, -1])]);
  const coded = b.concat([b.sub(means, before), b.slice(lined, 1, 1, 64)], 1);
  const steep = b.scale(coded, sharpness);
  const doublings = b.op('Log', [b.add(b.mul(steep, steep), b.scalar(1))]);
  const bits = b.scale(b.reduceSum(doublings, [1, 2], false), bitsPerDoubling / Math.LN2);
  return b.add(bits, b.scalar(bitsPerBlock * blocks));
}

/** Minus the estimated kilobytes: smooth, plain images. */
export const compressibility = ofPixels('compressibility (estimated, quality 95, 4:2:0)', (b, x) =>
  b.neg(appendJpegKilobytes(b, x)),
);

/** The estimated kilobytes: texture and noise. */
export const incompressibility = ofPixels(
  'incompressibility (estimated, quality 95, 4:2:0)',
  appendJpegKilobytes,
);
