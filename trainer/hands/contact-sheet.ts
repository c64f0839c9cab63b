/** @file Contact sheets: many small images on one PNG, for people to look at. */
import { writeFileSync } from 'node:fs';
import { encode } from 'fast-png';

export interface ContactSheetOptions {
  columns: number;
  /** Each pixel becomes a square of this many. */
  zoom?: number;
  /** Pixels of dark space between images. */
  gap?: number;
}

/** Lays square RGB images (side x side x 3 bytes each) out in rows and returns a PNG. */
export function contactSheet(
  images: readonly Uint8Array[],
  side: number,
  { columns, zoom = 1, gap = 0 }: ContactSheetOptions,
): Uint8Array {
  const cell = side * zoom + gap;
  const rows = Math.ceil(images.length / columns);
  const width = columns * cell - gap;
  const height = rows * cell - gap;
  const data = new Uint8Array(width * height * 3).fill(24);
  images.forEach((image, index) => {
    if (image.length !== side * side * 3) {
      throw new RangeError(
        `image ${index} has ${image.length} bytes; ${side}x${side} RGB needs ${side * side * 3}`,
      );
    }
    const left = (index % columns) * cell;
    const top = Math.floor(index / columns) * cell;
    for (let y = 0; y < side * zoom; y++) {
      for (let x = 0; x < side * zoom; x++) {
        const from = (Math.floor(y / zoom) * side + Math.floor(x / zoom)) * 3;
        const to = ((top + y) * width + left + x) * 3;
        for (let channel = 0; channel < 3; channel++)
          data[to + channel] = image[from + channel] as number;
      }
    }
  });
  return encode({ width, height, data, channels: 3, depth: 8 });
}

export function writeContactSheet(
  path: string,
  images: readonly Uint8Array[],
  side: number,
  options: ContactSheetOptions,
): void {
  writeFileSync(path, contactSheet(images, side, options));
}
