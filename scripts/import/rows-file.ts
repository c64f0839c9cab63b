/** @file What every file of answers is to an import, whatever its format. */

/** By column. Images are bytes, or base64 in a text. */
export type Row = Record<string, unknown>;

/** Where a row can be found again; only its file knows what the numbers mean. */
export interface Place {
  at: number;
  size: number;
  /** Which of several that stand in one row of the file. */
  part: number;
}

export interface FileRow {
  /** As people count: 1 for the first. What a row is taken apart into has its number. */
  number: number;
  /** Null: it is none. */
  row: Row | null;
  place: Place;
}

export interface RowsFile {
  /** For errors. */
  readonly path: string;
  /** What paths of images start from. */
  readonly folder: string;
  /** What a row of it is called. */
  readonly unit: 'line' | 'row' | 'item';
  /** Of all its bytes; known once `rows` has come to its end. */
  readonly sha256: string;
  /** How much of it `rows` has read, in [0, 1]. */
  readonly share: number;
  /** Throws 'unprocessable' where it cannot be read any further. */
  rows(): AsyncGenerator<FileRow>;
  /** A row that was read before. Rows are cheapest in their order. */
  again(place: Place): Promise<Row | null>;
  close(): Promise<void>;
}
