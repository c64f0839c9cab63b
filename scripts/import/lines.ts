/**
 * @file A file of text in pieces with where they lie, so that one can be read again without the
 * file in memory: its lines, or the items of the one JSON array that it is.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '@/lib/errors';

/** Two pictures of the largest size, in base64. */
const pieceBytesMax = 2 ** 28;

/** Where a piece stands in its file, bytes. */
interface Span {
  offset: number;
  bytes: number;
}

export interface Line extends Span {
  /** 1 for the first. */
  number: number;
  text: string;
}

/** Finds pieces in bytes as they come. Offsets are those of the file. */
interface Cutter {
  /** Pieces that end in these bytes, as [start, end). */
  pieces(bytes: Buffer, offset: number): [start: number, end: number][];
  /** Where the piece begins that has not ended; Infinity: none has begun. */
  begunAt(): number;
  /** What is left when the file has ended. Throws 'unprocessable' where it should not end here. */
  last(size: number): [start: number, end: number] | null;
}

const newline = 10;

/** Unicode's own line separators belong to the text, as JSON has it. */
function lineCutter(): Cutter {
  let start = 0;
  return {
    pieces(bytes, offset) {
      const found: [number, number][] = [];
      for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) {
        found.push([start, offset + at]);
        start = offset + at + 1;
      }
      return found;
    },
    begunAt: () => start,
    last: (size) => (start < size ? [start, size] : null),
  };
}

const [quote, backslash, comma, opening, closing] = [...'"\\,[]'].map((one) => one.charCodeAt(0));
const nesting = new Map([...'[{'].map((one) => [one.charCodeAt(0), 1]));
for (const one of ']}') nesting.set(one.charCodeAt(0), -1);
const isSpace = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13);

/** Knows of JSON where strings and brackets begin and end; what stands between is for a parser. */
function itemCutter(path: string): Cutter {
  let [start, depth, isText, isEscaped, isDone] = [
    Number.POSITIVE_INFINITY,
    0,
    false,
    false,
    false,
  ];
  return {
    pieces(bytes, offset) {
      const found: [number, number][] = [];
      for (let i = 0; i < bytes.length; i++) {
        const byte = bytes[i]!;
        if (isText) {
          if (isEscaped) isEscaped = false;
          else if (byte === backslash) isEscaped = true;
          else if (byte === quote) isText = false;
          continue;
        }
        if (depth === 0) {
          if (byte === opening && !isDone) depth = 1;
          continue;
        }
        if (depth === 1 && (byte === comma || byte === closing)) {
          if (start <= offset + i) found.push([start, offset + i]);
          start = Number.POSITIVE_INFINITY;
          if (byte === closing) [depth, isDone] = [0, true];
          continue;
        }
        if (isSpace(byte) && start === Number.POSITIVE_INFINITY) continue;
        start = Math.min(start, offset + i);
        if (byte === quote) isText = true;
        depth += nesting.get(byte) ?? 0;
      }
      return found;
    },
    begunAt: () => start,
    last() {
      if (isDone) return null;
      throw new AppError(
        'unprocessable',
        `${path} ends in the middle of its JSON array. Fetch it anew, or write it again.`,
      );
    },
  };
}

/** A file of text, piece by piece. */
export class LineFile {
  readonly #hash = createHash('sha256');
  readonly #cutter: Cutter;
  #sha256: string | undefined;
  #handle: Promise<FileHandle> | undefined;
  #size = 0;

  /** @param pieces `items`: those of the JSON array that the file is */
  constructor(
    readonly path: string,
    readonly pieces: 'lines' | 'items' = 'lines',
  ) {
    this.#cutter = pieces === 'lines' ? lineCutter() : itemCutter(path);
  }

  /** Of the whole file; known once `lines` has come to its end. */
  get sha256(): string {
    if (this.#sha256 === undefined) throw new Error(`${this.path} has not been read to its end.`);
    return this.#sha256;
  }

  /** How many bytes `lines` has read. */
  get bytesRead(): number {
    return this.#size;
  }

  /** Throws 'unprocessable' for a piece that no memory should hold. */
  async *lines(): AsyncGenerator<Line> {
    let number = 0;
    // Bytes from `heldAt` on, in which a piece may have begun.
    let [held, heldAt]: [Buffer[], number] = [[], 0];
    const line = (whole: Buffer, [start, end]: [number, number]): Line => {
      const text = textOf(whole.subarray(start - heldAt, end - heldAt), start);
      return { number: ++number, offset: start, bytes: end - start, text };
    };
    for await (const chunk of createReadStream(this.path, { highWaterMark: 2 ** 20 })) {
      const bytes = chunk as Buffer;
      this.#hash.update(bytes);
      const found = this.#cutter.pieces(bytes, this.#size);
      this.#size += bytes.length;
      held.push(bytes);
      if (found.length > 0) {
        const whole = Buffer.concat(held);
        for (const piece of found) yield line(whole, piece);
        held = [whole];
      }
      const begunAt = Math.min(this.#cutter.begunAt(), this.#size);
      if (this.#size - begunAt > pieceBytesMax) throw tooLong(this, number + 1);
      if (held.length === 1) {
        held = [held[0]!.subarray(Math.max(0, begunAt - heldAt))];
        heldAt = Math.max(heldAt, begunAt);
      }
    }
    this.#sha256 = this.#hash.digest('hex');
    const last = this.#cutter.last(this.#size);
    if (last) yield line(Buffer.concat(held), last);
  }

  /** A piece that was read before. */
  async again({ offset, bytes }: Span): Promise<string> {
    this.#handle ??= open(this.path, 'r');
    const buffer = Buffer.alloc(bytes);
    await (await this.#handle).read(buffer, 0, bytes, offset);
    return textOf(buffer, offset);
  }

  async close(): Promise<void> {
    await (await this.#handle)?.close();
    this.#handle = undefined;
  }
}

function textOf(bytes: Buffer, offset: number): string {
  const text = bytes.toString('utf8');
  return offset === 0 ? text.replace(/^\uFEFF/, '') : text;
}

function tooLong({ path, pieces }: LineFile, number: number): AppError {
  const what = pieces === 'lines' ? 'Line' : 'Item';
  return new AppError(
    'unprocessable',
    `${what} ${number} of ${path} is longer than ${pieceBytesMax / 2 ** 20} MiB. Give one JSON object a line, with the images beside the file.`,
  );
}
