/** @file Contact sheets: many small images on one PNG, for people to look at. */
import { writeFileSync } from 'node:fs';
import { encode } from 'fast-png';

export interface ContactSheetOptions {
  columns: number;
  /** Each pixel becomes a square of this many. */
  zoom?: number;
  /** Pixels of dark space between images. */
  gap?: number;
  /** A few characters under each image: digits, "?" and "B". */
  labels?: readonly string[];
}

/** 3x5 pixel letters, one row of bits per digit: 4 is left, 2 middle, 1 right. */
const GLYPHS: Record<string, string> = {
  '3': '71717',
  '4': '55711',
  '5': '74717',
  '6': '74757',
  '7': '71122',
  '?': '71302',
  B: '65656',
};
const GLYPH_ROWS = 5;
const LABEL_ROWS = GLYPH_ROWS + 3;
const SHEET_SHADE = 24;
const LETTER_SHADE = 235;

class Sheet {
  readonly data: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8Array(width * height * 3).fill(SHEET_SHADE);
  }

  /** Paints a square of `zoom` pixels. */
  square(left: number, top: number, zoom: number, colour: ArrayLike<number>): void {
    for (let y = top; y < top + zoom; y++) {
      for (let x = left; x < left + zoom; x++) {
        const at = (y * this.width + x) * 3;
        for (let channel = 0; channel < 3; channel++) {
          this.data[at + channel] = colour[channel]!;
        }
      }
    }
  }

  text(left: number, top: number, zoom: number, text: string): void {
    const light = [LETTER_SHADE, LETTER_SHADE, LETTER_SHADE];
    [...text].forEach((letter, index) => {
      const rows = GLYPHS[letter] ?? GLYPHS['?'] ?? '';
      [...rows].forEach((bits, row) => {
        for (let column = 0; column < 3; column++) {
          if (!(Number(bits) & (4 >> column))) continue;
          this.square(left + (index * 4 + column) * zoom, top + row * zoom, zoom, light);
        }
      });
    });
  }
}

/** Lays square RGB images (side x side x 3 bytes each) out in rows and returns a PNG. */
export function contactSheet(
  images: readonly Uint8Array[],
  side: number,
  { columns, zoom = 1, gap = 0, labels }: ContactSheetOptions,
): Uint8Array {
  const across = side * zoom + gap;
  const down = across + (labels ? LABEL_ROWS * zoom : 0);
  const rows = Math.ceil(images.length / columns);
  const sheet = new Sheet(columns * across - gap, rows * down - gap);
  images.forEach((image, index) => {
    if (image.length !== side * side * 3) {
      throw new RangeError(
        `image ${index} has ${image.length} bytes; ${side}x${side} RGB needs ${side * side * 3}`,
      );
    }
    const left = (index % columns) * across;
    const top = Math.floor(index / columns) * down;
    for (let pixel = 0; pixel < side * side; pixel++) {
      const x = left + (pixel % side) * zoom;
      const y = top + Math.floor(pixel / side) * zoom;
      sheet.square(x, y, zoom, image.subarray(pixel * 3, pixel * 3 + 3));
    }
    if (labels) sheet.text(left + 2 * zoom, top + (side + 1) * zoom, zoom, labels[index] ?? '');
  });
  const { width, height, data } = sheet;
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
