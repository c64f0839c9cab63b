/** @file Rows of a file of JSON: one in a line, or the items of an array. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { objectIn } from '@/lib/exchange/imported-row';
import { LineFile } from './lines';
import type { FileRow, Place, Row, RowsFile } from './rows-file';

export class JsonRows implements RowsFile {
  readonly unit: 'line' | 'item';
  readonly folder: string;
  readonly #file: LineFile;
  readonly #size: number;

  constructor(
    readonly path: string,
    pieces: 'lines' | 'items',
  ) {
    this.unit = pieces === 'lines' ? 'line' : 'item';
    this.folder = dirname(resolve(path));
    this.#file = new LineFile(path, pieces);
    this.#size = statSync(path).size;
  }

  get sha256(): string {
    return this.#file.sha256;
  }

  get share(): number {
    return this.#size === 0 ? 1 : Math.min(1, this.#file.bytesRead / this.#size);
  }

  async *rows(): AsyncGenerator<FileRow> {
    for await (const { number, text, offset, bytes } of this.#file.lines()) {
      if (text.trim() === '') continue;
      yield { number, row: objectIn(text), place: { at: offset, size: bytes, part: 0 } };
    }
  }

  async again({ at, size }: Place): Promise<Row | null> {
    return objectIn(await this.#file.again({ offset: at, bytes: size }));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
