/**
 * @file A Parquet file written row group by row group, so that memory holds one of them however
 * long the file becomes. Source: github.com/apache/parquet-format.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';

/** Types of columns under their names in `datasets`. */
export type ColumnType = 'int64' | 'float64' | 'bool' | 'string' | 'timestamp[ns]' | 'binary';

/** By column, in their order; `image` is a structure of bytes and path, as `datasets` keeps it. */
export type Columns = Readonly<Record<string, ColumnType | 'image'>>;

/**
 * As many rows as `datasets` itself puts in a group where there are images, and the bytes at which
 * a group ends before.
 */
const groupRowsMax = 100;
const groupBytesMax = 2 ** 25;

const elements: Record<ColumnType, Omit<SchemaElement, 'name'>> = {
  int64: { type: 'INT64' },
  float64: { type: 'DOUBLE' },
  bool: { type: 'BOOLEAN' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  'timestamp[ns]': {
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'NANOS' },
  },
  binary: { type: 'BYTE_ARRAY' },
};

function schemaOf(columns: Columns): SchemaElement[] {
  const leaf = (name: string, type: ColumnType): SchemaElement => ({
    name,
    repetition_type: 'OPTIONAL',
    ...elements[type],
  });
  const members = Object.entries(columns).flatMap(([name, type]) =>
    type === 'image'
      ? [
          { name, repetition_type: 'OPTIONAL' as const, num_children: 2 },
          leaf('bytes', 'binary'),
          leaf('path', 'string'),
        ]
      : [leaf(name, type)],
  );
  return [{ name: 'schema', num_children: Object.keys(columns).length }, ...members];
}

/** What `datasets` reads of a file by itself: columns as it names their types. */
function featuresOf(columns: Columns) {
  const features = Object.entries(columns).map(([name, type]) => [
    name,
    type === 'image' ? { _type: 'Image' } : { dtype: type, _type: 'Value' },
  ]);
  return { info: { features: Object.fromEntries(features) } };
}

/** Hands on what was written whenever a row group is complete. */
class FileWriter extends ByteWriter {
  constructor(private readonly handle: FileHandle) {
    super();
  }

  async flush(): Promise<void> {
    await this.handle.writeFile(this.getBytes());
    this.index = 0;
  }

  override async finish(): Promise<void> {
    await this.flush();
  }
}

export class ParquetFile {
  readonly #writer: FileWriter;
  readonly #parquet: ParquetWriter;
  #rows: Record<string, unknown>[] = [];
  #held = 0;

  private constructor(
    private readonly handle: FileHandle,
    private readonly columns: Columns,
  ) {
    this.#writer = new FileWriter(handle);
    this.#parquet = new ParquetWriter({
      writer: this.#writer,
      schema: schemaOf(columns),
      kvMetadata: [{ key: 'huggingface', value: JSON.stringify(featuresOf(columns)) }],
      createdBy: 'darkroom',
    });
  }

  /** Begins a file, in place of one that is there. */
  static async create(path: string, columns: Columns): Promise<ParquetFile> {
    return new ParquetFile(await open(path, 'w'), columns);
  }

  /** Bytes so far, of the rows that are still held, too. */
  get bytes(): number {
    return this.#writer.offset + this.#held;
  }

  /**
   * Takes a row; what is missing in it is null. Times are numbers of ms, images their bytes.
   */
  async add(row: Record<string, unknown>): Promise<void> {
    this.#rows.push(row);
    for (const value of Object.values(row)) {
      this.#held += value instanceof Uint8Array ? value.length : 8;
    }
    if (this.#rows.length === groupRowsMax || this.#held >= groupBytesMax) await this.#flush();
  }

  /** Writes what is held and the footer, to the disk. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#parquet.finish();
    await this.handle.sync();
    await this.handle.close();
  }

  /** Gives up: what there is of the file is no Parquet. */
  async abandon(): Promise<void> {
    await this.handle.close();
  }

  async #flush(): Promise<void> {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    [this.#rows, this.#held] = [[], 0];
    const columnData = Object.entries(this.columns).map(([name, type]) => {
      const data = rows.map((row) => stored(row[name] ?? null, type));
      // Images are packed already, and no reader looks for one between two others.
      const isBytes = type === 'image' || type === 'binary';
      const plain = { encoding: 'PLAIN', codec: 'UNCOMPRESSED', statistics: false } as const;
      return { name, data, ...(isBytes && plain) };
    });
    await this.#parquet.write({ columnData, rowGroupSize: groupRowsMax });
  }
}

function stored(value: unknown, type: Columns[string]): unknown {
  if (value === null) return null;
  if (type === 'int64') return BigInt(value as number);
  if (type === 'timestamp[ns]') return BigInt(value as number) * 1_000_000n;
  if (type === 'image') return { bytes: value, path: null };
  return value;
}
