/** @file Answers and their images as a folder that `npm run import`, or a trainer of Pick-a-Pic's columns, reads. */
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getBlob } from '@/db/blobs';
import { exportPreferences } from '@/db/exports';
import { migrateDatabase } from '@/db/migrate';

/** Writes `preferences.jsonl` and `images/SHA256.png`; the same data gives the same bytes. */
export async function exportTo(
  folder: string,
  roundId?: string,
): Promise<{ file: string; answers: number; images: number }> {
  await migrateDatabase();
  await mkdir(join(folder, 'images'), { recursive: true });
  const file = join(folder, 'preferences.jsonl');
  const written = new Set<string>();
  const pathOf = async (hash: string) => {
    const path = `images/${hash}.png`;
    if (!written.has(hash)) await writeFile(join(folder, path), await getBlob(hash));
    written.add(hash);
    return path;
  };
  let answers = 0;
  const handle = await open(`${file}.part`, 'w');
  try {
    for await (const row of exportPreferences({ roundId })) {
      const image_0_path = await pathOf(row.image_0_uid);
      const image_1_path = await pathOf(row.image_1_uid);
      await handle.write(`${JSON.stringify({ ...row, image_0_path, image_1_path })}\n`);
      answers++;
    }
  } finally {
    await handle.close();
  }
  await rename(`${file}.part`, file);
  return { file, answers, images: written.size };
}
