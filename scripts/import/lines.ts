/**
 * @file A file's lines with where they lie, so that one can be read again without the file in
 * memory.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '@/lib/errors';

/** Two pictures of the largest size, in base64. */
const lineBytesMax = 2 ** 28;

/** Where a line stands in its file, bytes. */
export interface Place {
  offset: number;
  bytes: number;
}

export interface Line extends Place {
  /** 1 for the first. */
  number: number;
  text: string;
}

const newline = 10;

/**
 * A file of text, line by line; Unicode's own line separators belong to the text, as JSON has it.
 */
export class LineFile {
  readonly #hash = createHash('sha256');
  #sha256: string | undefined;
  #handle: Promise<FileHandle> | undefined;

  constructor(readonly path: string) {}

  /** Of the whole file; known once `lines` has come to its end. */
  get sha256(): string {
    if (this.#sha256 === undefined) throw new Error(`${this.path} has not been read to its end.`);
    return this.#sha256;
  }

  /** Throws 'unprocessable' for a line that no memory should hold. */
  async *lines(): AsyncGenerator<Line> {
    let [number, offset] = [0, 0];
    let pieces: Buffer[] = [];
    let held = 0;
    const finish = (last: Buffer): Line => {
      const whole = pieces.length > 0 ? Buffer.concat([...pieces, last]) : last;
      const line = { number: ++number, offset, bytes: whole.length, text: textOf(whole, number) };
      offset += whole.length + 1;
      [pieces, held] = [[], 0];
      return line;
    };
    for await (const chunk of createReadStream(this.path, { highWaterMark: 2 ** 20 })) {
      const bytes = chunk as Buffer;
      this.#hash.update(bytes);
      let start = 0;
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
        yield finish(bytes.subarray(start, end));
        start = end + 1;
      }
      pieces.push(bytes.subarray(start));
      held += bytes.length - start;
      if (held > lineBytesMax) throw tooLong(this.path, number + 1);
    }
    this.#sha256 = this.#hash.digest('hex');
    if (held > 0) yield finish(Buffer.alloc(0));
  }

  /** A line that was read before. */
  async again({ offset, bytes }: Place): Promise<string> {
    this.#handle ??= open(this.path, 'r');
    const buffer = Buffer.alloc(bytes);
    await (await this.#handle).read(buffer, 0, bytes, offset);
    return textOf(buffer, offset === 0 ? 1 : 2);
  }

  async close(): Promise<void> {
    await (await this.#handle)?.close();
    this.#handle = undefined;
  }
}

function textOf(bytes: Buffer, number: number): string {
  const text = bytes.toString('utf8');
  return number === 1 ? text.replace(/^\uFEFF/, '') : text;
}

function tooLong(path: string, number: number): AppError {
  return new AppError(
    'unprocessable',
    `Line ${number} of ${path} is longer than ${lineBytesMax / 2 ** 20} MiB. Give one JSON object a line, with the images beside the file.`,
  );
}
