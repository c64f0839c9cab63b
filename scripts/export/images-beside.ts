import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getBlob } from '@/db/blobs/blobs';
import type { WorkFolder } from './work-folder';

/** Puts images into `images/`, each once, and says their paths from the folder of the export. */
export async function imagesBeside(work: WorkFolder): Promise<(hash: string) => Promise<string>> {
  const written = new Set<string>();
  const write = await filesBeside(work, 'images');
  return async (hash) => {
    const name = `${hash}.png`;
    if (!written.has(hash)) await write(name, await getBlob(hash));
    written.add(hash);
    return `images/${name}`;
  };
}

/** Writes whole files into a folder of the export. */
export async function filesBeside(work: WorkFolder, folder: string) {
  await mkdir(join(work.folder, folder), { recursive: true });
  return async (name: string, bytes: Uint8Array): Promise<void> => {
    const part = await work.place(`${name}.part`);
    await writeFile(part, bytes);
    await rename(part, join(work.folder, folder, name));
  };
}
