/** @file The files that an import reads, by what they are: one row for each kind. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@/lib/errors';
import { otherKind } from './file-kinds';
import { JsonRows } from './json-rows';
import { ParquetRows } from './parquet-rows';
import type { RowsFile } from './rows-file';

interface Kind {
  /** By the first bytes of the file. */
  fits: (head: Buffer) => boolean;
  open: (path: string) => Promise<RowsFile>;
}

const firstLetter = (head: Buffer) =>
  head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()[0];

/**
 * A row that is an array, among others that are none, is a fault of that row, not of the file.
 */
function isArray(head: Buffer): boolean {
  if (firstLetter(head) !== '[') return false;
  const text = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  const [first = ''] = text.split('\n', 1);
  return !(first.trimEnd().endsWith(']') && text.includes('\n{'));
}

const kinds: readonly Kind[] = [
  {
    fits: (head) => head.subarray(0, 4).toString('latin1') === 'PAR1',
    open: (path) => ParquetRows.open(path, [path]),
  },
  { fits: isArray, open: async (path) => new JsonRows(path, 'items') },
  { fits: () => true, open: async (path) => new JsonRows(path, 'lines') },
];

/** What `npm run export` writes beside Parquet. */
const exportedFiles = [
  { name: 'preferences.jsonl', pieces: 'lines' },
  { name: 'rankings.json', pieces: 'items' },
] as const;

const headBytes = 65_536;

/**
 * Opens what answers stand in: a file, or a folder as `npm run export` writes it. Throws
 * 'unprocessable' where it is something else.
 */
export async function openRows(path: string): Promise<RowsFile> {
  if ((await stat(path)).isDirectory()) return openFolder(path);
  const other = await otherKind(path);
  if (other) throw new AppError('unprocessable', other);
  const head = await headOf(path);
  return kinds.find(({ fits }) => fits(head))!.open(path);
}

async function openFolder(folder: string): Promise<RowsFile> {
  const names = (await readdir(folder, { withFileTypes: true, recursive: false }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
  const inside = await readdir(join(folder, 'data')).catch(() => []);
  const parquet = [...names, ...inside.map((name) => join('data', name))]
    .filter((name) => name.endsWith('.parquet'))
    .sort()
    .map((name) => join(folder, name));
  if (parquet.length > 0) return ParquetRows.open(folder, parquet, folder);
  const exported = exportedFiles.find(({ name }) => names.includes(name));
  if (exported) return new JsonRows(join(folder, exported.name), exported.pieces);
  throw new AppError(
    'unprocessable',
    `${folder} is a folder without Parquet files, preferences.jsonl or rankings.json. Give the file of answers.`,
  );
}

async function headOf(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const head = Buffer.alloc(headBytes);
    const { bytesRead } = await handle.read(head, 0, headBytes, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
