/**
 * @file Answers and their images as a folder that `npm run import` reads, with a card by which
 * `datasets` reads it, too.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { countExport, type ExportChoice } from '@/db/exchange/exports';
import { listedImport } from '@/db/exchange/import-list';
import { migrateExisting } from '@/db/migrate';
import { getRound } from '@/db/rounds/rounds';
import { type FormatName, formats } from './formats';
import type { ImagePlace } from './image-places';
import { WorkFolder } from './work-folder';

export interface Exported {
  /** What `npm run import` reads. */
  file: string;
  answers: number;
  /** Different images. */
  images: number;
  /** Rows that an export which was killed had written already. */
  found: number;
}

export interface ExportOptions extends Omit<ExportChoice, 'after' | 'until' | 'decidedOnly'> {
  format?: FormatName;
  images?: ImagePlace;
  shardBytes?: number;
  /** Called now and then. */
  onProgress?: (answers: number, of: number) => void;
}

export const shardBytesUsual = 2 ** 28;

/**
 * Writes an export, of what stands when it begins. The same data gives the same bytes. Killed and
 * begun again with the same options it goes on where it was. Throws 'not-found' for a round or an
 * import that is none.
 */
export async function exportTo(folder: string, options: ExportOptions = {}): Promise<Exported> {
  const { format: name = 'lines', images = 'beside', shardBytes = shardBytesUsual } = options;
  const { roundId, importId, gold = false, heldBack = false, onProgress } = options;
  const asked = {
    ...{ format: name, images, shardBytes, gold, heldBack },
    roundId: roundId ?? null,
    ...(importId !== undefined && { importId }),
  };
  await migrateExisting();
  if (roundId !== undefined) await getRound(roundId);
  if (importId !== undefined) await listedImport(importId);
  await mkdir(folder, { recursive: true });
  const format = formats[name];
  const work = await WorkFolder.open(folder, asked, Date.now());
  const { mark, until } = work;
  const { decidedOnly = false } = format;
  const choice = { roundId, importId, gold, heldBack, until, decidedOnly };
  const counts = await countExport(choice);
  let rows = mark?.rows ?? 0;
  const write = async () => {
    const input = { work, choice, mark, images, shardBytes };
    const writing = await format.open(input, { ...choice, after: mark?.after });
    try {
      for await (const { key, here } of writing.steps) {
        rows++;
        if (here) await work.note({ after: key, rows, place: here.place });
        onProgress?.(rows, counts.answers);
      }
      return await writing.end();
    } catch (thrown) {
      await writing.abandon();
      throw thrown;
    }
  };
  await work.finish(work.isWhole ? [] : await write(), format.replaces);
  const found = mark?.rows ?? 0;
  return { file: join(folder, format.file), ...counts, found };
}
