/** @file Rows of one Parquet file, or of several that belong together. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { AppError } from '@/lib/errors';
import type { FileRow, Place, Row, RowsFile } from './rows-file';

/** Of a row group, which has to lie in memory whole, unpacked. */
const groupBytesMax = 2 ** 30;

interface Opened {
  path: string;
  buffer: AsyncBuffer;
  metadata: FileMetaData;
}

/** Rows of one row group, by where they stand in their file. */
interface Group {
  file: Opened;
  start: number;
  end: number;
  rows: Promise<Row[]>;
}

export class ParquetRows implements RowsFile {
  readonly unit = 'row';
  #sha256: string | undefined;
  #group: Group | undefined;
  #read = 0;

  private constructor(
    readonly path: string,
    readonly folder: string,
    private readonly files: readonly Opened[],
  ) {}

  /**
   * @param path what it is called in errors @param files whose rows count on from each to the next
   */
  static async open(path: string, files: readonly string[], folder = dirname(resolve(path))) {
    const opened: Opened[] = [];
    for (const file of files) opened.push(await openOne(file));
    return new ParquetRows(path, folder, opened);
  }

  get sha256(): string {
    if (this.#sha256 === undefined) throw new Error(`${this.path} has not been read to its end.`);
    return this.#sha256;
  }

  get share(): number {
    const all = this.files.reduce((sum, { metadata }) => sum + Number(metadata.num_rows), 0);
    return all === 0 ? 1 : this.#read / all;
  }

  async *rows(): AsyncGenerator<FileRow> {
    const hash = createHash('sha256');
    for (const [at, file] of this.files.entries()) {
      for await (const chunk of createReadStream(file.path)) hash.update(chunk as Buffer);
      for (let start = 0; start < Number(file.metadata.num_rows); ) {
        const { rows, end } = this.#groupAt(file, start);
        for (const [i, row] of (await rows).entries()) {
          yield { number: ++this.#read, row, place: { at, size: start + i, part: 0 } };
        }
        start = end;
      }
    }
    this.#sha256 = hash.digest('hex');
  }

  async again({ at, size }: Place): Promise<Row | null> {
    const { rows, start } = this.#groupAt(this.files[at]!, size);
    return (await rows)[size - start] ?? null;
  }

  async close(): Promise<void> {
    this.#group = undefined;
  }

  /**
   * The row group that a row of a file stands in. The last one is kept, also for those who ask
   * while it is being read.
   */
  #groupAt(file: Opened, row: number): Group {
    const known = this.#group;
    if (known?.file === file && row >= known.start && row < known.end) return known;
    let start = 0;
    for (const { num_rows, total_byte_size } of file.metadata.row_groups) {
      const end = start + Number(num_rows);
      if (row < end) {
        if (total_byte_size > groupBytesMax) throw tooLarge(file.path, Number(total_byte_size));
        this.#group = { file, start, end, rows: rowsOf(file, start, end) };
        return this.#group;
      }
      start = end;
    }
    throw unreadable(file.path, `row ${row + 1} is in none of its row groups`);
  }
}

async function openOne(path: string): Promise<Opened> {
  const buffer = await asyncBufferFromFile(path);
  try {
    return { path, buffer, metadata: await parquetMetadataAsync(buffer) };
  } catch (cause) {
    throw unreadable(path, (cause as Error).message);
  }
}

async function rowsOf({ path, buffer, metadata }: Opened, rowStart: number, rowEnd: number) {
  try {
    const rows = await parquetReadObjects({
      file: buffer,
      metadata,
      rowStart,
      rowEnd,
      compressors,
      // Bytes are bytes where the schema does not call them text.
      utf8: false,
      parsers: { timestampFromNanoseconds: timeFromNanoseconds },
    });
    if (rows.length === rowEnd - rowStart) return rows.map((row) => plain(row) as Row);
  } catch (cause) {
    throw unreadable(path, (cause as Error).message);
  }
  throw unreadable(path, `rows ${rowStart + 1} to ${rowEnd} are not all there`);
}

const timeFromNanoseconds = (nanoseconds: bigint) => new Date(Number(nanoseconds / 1_000_000n));

/**
 * Values as JSON has them, but for bytes: whole numbers past 2^53 are text, times are ISO 8601,
 * what is no number is null.
 */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array || value === null) return value;
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

function unreadable(path: string, why: string): AppError {
  return new AppError(
    'unprocessable',
    `${path} is a Parquet file that cannot be read (${why.replace(/\.$/, '')}). Fetch it anew, or write it again.`,
  );
}

function tooLarge(path: string, bytes: number): AppError {
  return new AppError(
    'unprocessable',
    `${path} has a row group of ${Math.round(bytes / 2 ** 20)} MiB, more than ${groupBytesMax / 2 ** 20}. Write it in smaller ones: Dataset.to_parquet(path, batch_size=100).`,
  );
}
