/** @file From a decoder's numbers to pictures and back: 8-bit RGB and PNG. */
import { decode, encode } from 'fast-png';
import { PipelineError } from '../pipeline-error';

/** 8-bit RGB, row by row, three bytes a pixel. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/** One image of [3, height, width] values in [0, 1] as 8-bit RGB. */
export function toRgb(values: Float32Array, width: number, height: number): RgbImage {
  const plane = width * height;
  if (values.length !== 3 * plane) {
    throw new RangeError(`${values.length} values are no RGB image of ${width}×${height} pixels.`);
  }
  const data = new Uint8Array(3 * plane);
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = values[channel * plane + pixel]!;
      data[3 * pixel + channel] = Math.min(Math.max(Math.round(value * 255), 0), 255);
    }
  }
  return { width, height, data };
}

/** The image as a PNG file; equal images give equal bytes. */
export function encodePng({ width, height, data }: RgbImage): Uint8Array {
  return encode({ width, height, data, depth: 8, channels: 3 });
}

/** The image as networks take it, [3, height, width] in [0, 1]. */
export function toPlanes({ width, height, data }: RgbImage): Float32Array {
  const plane = width * height;
  return Float32Array.from({ length: 3 * plane }, (_, i) => {
    const channel = Math.floor(i / plane);
    return data[3 * (i - channel * plane) + channel]! / 255;
  });
}

/**
 * Reads a PNG of 8-bit colours. @param source names it in errors @throws PipelineError on anything
 * else
 */
export function decodePng(bytes: Uint8Array, source: string): RgbImage {
  const png = decodedPng(bytes, source);
  const { width, height, depth, channels, palette } = png;
  const data = png.data;
  if (depth !== 8 || (channels !== 3 && channels !== 4) || palette) {
    const kind = palette ? 'a palette' : `${channels} channels of ${depth} bits`;
    throw new PipelineError(
      `${source} is a PNG with ${kind}. Save it as 8-bit RGB, without a palette.`,
    );
  }
  const rgb = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (channels === 4 && data[4 * pixel + 3] !== 255) {
      throw new PipelineError(
        `${source} is transparent in places. Save it as 8-bit RGB on the background it should have.`,
      );
    }
    for (let channel = 0; channel < 3; channel++) {
      rgb[3 * pixel + channel] = data[channels * pixel + channel]!;
    }
  }
  return { width, height, data: rgb };
}

function decodedPng(bytes: Uint8Array, source: string) {
  try {
    return decode(bytes, { checkCrc: true });
  } catch (cause) {
    throw new PipelineError(
      `${source} is no PNG that can be read (${(cause as Error).message}). Save it again as PNG.`,
      { cause },
    );
  }
}
