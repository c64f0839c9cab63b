import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getBlob } from '@/db/blobs/blobs';
import type { WorkFolder } from './work-folder';

/** Puts images into `images/`, each once, and says their paths from the folder of the export. */
export async function imagesBeside(work: WorkFolder): Promise<(hash: string) => Promise<string>> {
  const written = new Set<string>();
  const part = await work.place('image.part');
  await mkdir(join(work.folder, 'images'), { recursive: true });
  return async (hash) => {
    const path = `images/${hash}.png`;
    if (!written.has(hash)) {
      await writeFile(part, await getBlob(hash));
      await rename(part, join(work.folder, path));
    }
    written.add(hash);
    return path;
  };
}
