/**
 * @file Prompts in a file that a person has chosen: text, a table (CSV, TSV), JSON or Parquet, read
 * in the browser. A row of the table below for each.
 */
import { AppError } from '@/lib/errors';
import { objectIn } from '@/lib/exchange/imported-row';
import { PromptCollector, type PromptList, promptColumn } from '@/lib/exchange/prompt-list';
import { linesOf } from './run-draft';

interface Format {
  /** @param text its beginning; empty where it is no text */
  fits: (head: Uint8Array, text: string, name: string) => boolean;
  read: (file: File, take: (prompt: unknown) => void) => Promise<void>;
}

/** Of text, which has to lie in memory; Parquet is read by the column. */
const textBytesMax = 2 ** 26;

const isTable = (text: string, name: string) => {
  const [first = ''] = text.split('\n', 1);
  const cells = first.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
  return /\.[ct]sv$/i.test(name) || (cells.length > 1 && promptColumn(cells) !== null);
};

const readText: Format['read'] = async (file, take) => {
  for (const line of linesOf(await textOf(file))) take(line);
};

const formats: readonly Format[] = [
  // Whatever its first prompt begins with.
  { fits: (_, __, name) => /\.txt$/i.test(name), read: readText },
  {
    fits: (head) => String.fromCharCode(...head.subarray(0, 4)) === 'PAR1',
    read: readParquet,
  },
  {
    fits: (_, text) => text.startsWith('['),
    read: async (file, take) => {
      for (const row of arrayIn(await textOf(file), file.name)) take(promptIn(row, file.name));
    },
  },
  {
    fits: (_, text) => text.startsWith('{'),
    read: async (file, take) => {
      for (const [i, line] of (await textOf(file)).split('\n').entries()) {
        if (line.trim() === '') continue;
        const row = objectIn(line);
        if (!row) throw unfit(`Line ${i + 1} of ${file.name} is no JSON object.`);
        take(promptIn(row, file.name));
      }
    },
  },
  { fits: (_, text, name) => isTable(text, name), read: readTable },
  { fits: () => true, read: readText },
];

/**
 * Reads prompts, each once. Throws 'unprocessable' where the file holds none or cannot be read.
 * @param known those that are there already
 */
export async function promptsOfFile(file: File, known: readonly string[]): Promise<PromptList> {
  const collector = new PromptCollector(known);
  const head = new Uint8Array(await file.slice(0, 65_536).arrayBuffer());
  const text = head.includes(0) ? '' : new TextDecoder().decode(head).trimStart();
  const format = formats.find(({ fits }) => fits(head, text, file.name))!;
  await format.read(file, (prompt) => collector.add(prompt));
  const { list } = collector;
  const { prompts, empty, repeated, long, over } = list;
  if (prompts.length + empty + repeated + long + over > 0) return list;
  throw unfit(`${file.name} holds no prompts.`);
}

async function textOf(file: File): Promise<string> {
  if (file.size > textBytesMax) {
    const mib = Math.ceil(file.size / 2 ** 20);
    throw unfit(
      `${file.name} has ${mib} MiB, more than ${textBytesMax / 2 ** 20}. Divide it, or save it as Parquet.`,
    );
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Told below.
  }
  throw unfit(
    `${file.name} is no text in UTF-8. Choose a file of text, CSV, JSON or Parquet, saved as UTF-8.`,
  );
}

function arrayIn(text: string, name: string): unknown[] {
  try {
    return JSON.parse(text) as unknown[];
  } catch (cause) {
    throw unfit(`${name} is no JSON (${(cause as Error).message}). Save it again.`);
  }
}

/** Of a row that is a text or an object. */
function promptIn(row: unknown, name: string): unknown {
  if (typeof row !== 'object' || row === null) return row;
  return (row as Record<string, unknown>)[columnOf(Object.keys(row), name)];
}

function columnOf(columns: readonly string[], name: string): string {
  const column = promptColumn(columns);
  if (column !== null) return column;
  const there = columns.slice(0, 8).join(', ') || 'none';
  throw unfit(
    `${name} has no column called caption, prompt or text; its columns: ${there}. Give the one with the prompts one of these names.`,
  );
}

async function readTable(file: File, take: (prompt: unknown) => void): Promise<void> {
  const text = await textOf(file);
  const { parse } = await import('csv-parse/browser/esm/sync');
  try {
    const rows = parse(text, {
      bom: true,
      delimiter: [',', ';', '\t'],
      relax_column_count: true,
      skip_empty_lines: true,
    });
    const [columns = [], ...rest] = rows;
    const at = columns.indexOf(columnOf(columns, file.name));
    for (const row of rest) take(row[at]);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw unfit(`${file.name} is no table that can be read (${(cause as Error).message}).`);
  }
}

/** Only the column with the prompts is read, a row group at a time. */
async function readParquet(file: File, take: (prompt: unknown) => void): Promise<void> {
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet');
  const { codecs: compressors } = await import('./parquet-codecs');
  const buffer = {
    byteLength: file.size,
    slice: (start: number, end?: number) => file.slice(start, end).arrayBuffer(),
  };
  try {
    const metadata = await parquetMetadataAsync(buffer);
    const names = parquetSchema(metadata).children.map(({ element }) => element.name);
    const column = columnOf(names, file.name);
    let rowStart = 0;
    for (const { num_rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows);
      const asked = { file: buffer, metadata, columns: [column], rowStart, rowEnd, compressors };
      for (const row of await parquetReadObjects(asked)) take(row[column]);
      rowStart = rowEnd;
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const why = (cause as Error).message;
    throw unfit(`${file.name} is a Parquet file that cannot be read (${why}). Fetch it anew.`);
  }
}

const unfit = (message: string) => new AppError('unprocessable', message);
