/**
 * @file Answers and their images as a folder that `npm run import` reads, with a card by which
 * `datasets` reads it, too.
 */
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getBlob } from '@/db/blobs/blobs';
import { type ExportChoice, exportPreferences } from '@/db/exchange/exports';
import { migrateDatabase } from '@/db/migrate';
import { toLine } from '@/lib/exchange/pick-a-pic';
import { datasetCard } from './dataset-card';
import type { ImagePlace } from './image-places';

export interface Exported {
  file: string;
  answers: number;
  /** Different images. */
  images: number;
}

/**
 * Writes `preferences.jsonl`, its card `README.md`, and `images/SHA256.png` where images go beside
 * the lines; the same data gives the same bytes.
 */
export async function exportTo(
  folder: string,
  { images: place = 'beside', ...choice }: ExportChoice & { images?: ImagePlace } = {},
): Promise<Exported> {
  await migrateDatabase();
  await mkdir(place === 'beside' ? join(folder, 'images') : folder, { recursive: true });
  const file = join(folder, 'preferences.jsonl');
  const seen = new Set<string>();
  const columnsOf = place === 'beside' ? columnsBeside(folder, seen) : columnsInLines(seen);
  let answers = 0;
  const handle = await open(`${file}.part`, 'w');
  try {
    for await (const row of exportPreferences(choice)) {
      const left = await columnsOf(row.image_0_uid, 0);
      const right = await columnsOf(row.image_1_uid, 1);
      await handle.write(`${toLine({ ...row, ...left, ...right })}\n`);
      answers++;
    }
  } finally {
    await handle.close();
  }
  await writeFile(join(folder, 'README.md'), datasetCard(place));
  await rename(`${file}.part`, file);
  return { file, answers, images: seen.size };
}

function columnsBeside(folder: string, written: Set<string>) {
  return async (hash: string, side: 0 | 1) => {
    const path = `images/${hash}.png`;
    if (!written.has(hash)) await writeFile(join(folder, path), await getBlob(hash));
    written.add(hash);
    return { [`image_${side}_path`]: path };
  };
}

function columnsInLines(seen: Set<string>) {
  return async (hash: string, side: 0 | 1) => {
    seen.add(hash);
    return { [`jpg_${side}`]: Buffer.from(await getBlob(hash)).toString('base64') };
  };
}
