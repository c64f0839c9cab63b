/**
 * @file A picture as people have it, made into what the pipeline's own are: 8-bit RGB of its size,
 * as PNG.
 */
import { inflateSync } from 'node:zlib';
import sharp, { type Metadata } from 'sharp';
import { decodePng } from '@/trainer/diffusion/images/png';
import { pictureKind } from './file-kinds';

/**
 * How a picture of another shape comes to the pipeline's: filled, and what stands over cut off
 * evenly; or whole, on black.
 */
export const fits = ['crop', 'pad'] as const;
export type Fit = (typeof fits)[number];

/** What the pipeline draws, in pixels, and how other pictures are made to fit. */
export interface Frame {
  width: number;
  height: number;
  fit: Fit;
}

/** What was done to a picture; `converted`: another file format, depth or colour type. */
export const alterations = [
  'converted',
  'turned',
  'flattened',
  'scaled',
  'cropped',
  'padded',
] as const;
export type Alteration = (typeof alterations)[number];

export interface FittedImage {
  png: Uint8Array;
  /** Empty: the file's own bytes. */
  altered: Alteration[];
}

/**
 * 8K video has 33.2 million. A small file may hold many more, all of which would have to lie in
 * memory.
 */
export const pixelsMax = 2 ** 25;
/** Bytes of a file with one picture. */
export const imageBytesMax = 2 ** 26;

/** Says what is wrong with a picture, and what would be right. */
export class ImageError extends Error {
  constructor(
    readonly reason: 'image-unreadable' | 'image-too-large',
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads a JPEG, PNG or WebP of any colour type and size. A PNG that is right already keeps its
 * bytes. Of moving pictures the first counts; transparent places become white, as on a page;
 * colours become sRGB's.
 * @param source names it in errors @throws ImageError
 */
export async function fitImage(
  bytes: Uint8Array,
  source: string,
  frame: Frame,
): Promise<FittedImage> {
  const found = pictureKind(bytes) ?? 'no picture';
  if (found !== 'PNG' && found !== 'JPEG' && found !== 'WebP') {
    throw new ImageError(
      'image-unreadable',
      `${source} is ${found}. Save it as PNG, JPEG or WebP.`,
    );
  }
  try {
    const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
    checkSize(metadata, source);
    if (metadata.format === 'png' && isRight(bytes, metadata, frame))
      return { png: bytes, altered: [] };
    return await fitted(bytes, metadata, frame);
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const [why] = (cause as Error).message.split('\n');
    throw new ImageError(
      'image-unreadable',
      `${source} is a ${found} that cannot be read (${why}). Save it again, or fetch it anew.`,
    );
  }
}

function checkSize({ width, height }: Metadata, source: string): void {
  if (width * height <= pixelsMax) return;
  throw new ImageError(
    'image-too-large',
    `${source} has ${width}×${height} pixels, more than ${(pixelsMax / 1e6).toFixed(1)} million. Scale it down.`,
  );
}

async function fitted(bytes: Uint8Array, metadata: Metadata, { width, height, fit }: Frame) {
  const { autoOrient, orientation = 1 } = metadata;
  const isSame = autoOrient.width === width && autoOrient.height === height;
  const isShape = autoOrient.width * height === autoOrient.height * width;
  const isOpaque = !metadata.hasAlpha || (await sharp(bytes).stats()).isOpaque;
  const altered: (Alteration | false)[] = [
    'converted',
    orientation !== 1 && 'turned',
    !isOpaque && 'flattened',
    !isSame && 'scaled',
    !isShape && (fit === 'crop' ? 'cropped' : 'padded'),
  ];
  const png = await sharp(bytes, {
    limitInputPixels: pixelsMax,
    failOn: 'error',
    sequentialRead: true,
  })
    .autoOrient()
    .flatten({ background: 'white' })
    .resize(width, height, { fit: fit === 'crop' ? 'cover' : 'contain', background: 'black' })
    .toColourspace('srgb')
    .removeAlpha()
    .png({ palette: false, adaptiveFiltering: false })
    .toBuffer();
  return { png: new Uint8Array(png), altered: altered.filter((one) => one !== false) };
}

/**
 * Chunks that do not change how a picture looks, or that nothing reads. What is packed in others is
 * not unpacked here.
 */
const harmless = new Set([
  'IHDR',
  'IDAT',
  'IEND',
  'tEXt',
  'zTXt',
  'iTXt',
  'pHYs',
  'tIME',
  'sRGB',
  'gAMA',
  'cHRM',
  'bKGD',
  'sBIT',
  'eXIf',
]);

/** Whether the trainer reads a PNG as it is, and as people see it. */
function isRight(
  bytes: Uint8Array,
  { width, height, orientation = 1 }: Metadata,
  frame: Frame,
): boolean {
  if (width !== frame.width || height !== frame.height || orientation !== 1) return false;
  const chunks = [...chunksOf(bytes)];
  if (!chunks.every(({ type }) => harmless.has(type))) return false;
  const [header] = chunks;
  const [depth, colourType, , , interlace] = header?.data.subarray(8) ?? [];
  if (depth !== 8 || (colourType !== 2 && colourType !== 6) || interlace !== 0) return false;
  const rows = height * (1 + width * (colourType === 2 ? 3 : 4));
  try {
    // A few kilobytes can unpack to gigabytes that no row needs.
    const packed = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data);
    inflateSync(Buffer.concat(packed), { maxOutputLength: rows });
    decodePng(bytes, '');
    return true;
  } catch {
    return false;
  }
}

/** Chunks of a PNG, up to where it ends. Source: the PNG specification, section 5. */
function* chunksOf(bytes: Uint8Array): Generator<{ type: string; data: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.byteLength; ) {
    const length = view.getUint32(at);
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    yield { type, data: bytes.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}
