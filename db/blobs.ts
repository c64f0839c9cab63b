import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '@/lib/errors';
import { darkroomHome } from './client';

/**
 * Images, trajectories and adapters under the sha256 of their bytes: `blobs/ab/abcdef…`. A blob is
 * never changed and never half-written: it appears whole, by renaming a synced temporary file.
 */

/** Lower-case hexadecimal sha256. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where a blob lies, whether or not it is there. Throws 'bad-request' on what is not a sha256. */
export function blobPath(hash: string): string {
  if (!/^[0-9a-f]{64}$/.test(hash)) {
    throw new AppError('bad-request', `"${hash}" is not a sha256 in lower-case hexadecimal.`);
  }
  return join(darkroomHome(), 'blobs', hash.slice(0, 2), hash);
}

export async function hasBlob(hash: string): Promise<boolean> {
  return access(blobPath(hash)).then(
    () => true,
    () => false,
  );
}

/** Stores bytes durably and returns their hash; storing them again does nothing. */
export async function putBlob(bytes: Uint8Array): Promise<string> {
  const hash = sha256(bytes);
  if (await hasBlob(hash)) return hash;
  const path = blobPath(hash);
  const temporary = `${path}.${randomUUID()}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => {});
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC') {
      throw new AppError(
        'storage-full',
        `No space left for ${bytes.length} bytes in ${dirname(path)}. Free some disk space.`,
        { cause: thrown },
      );
    }
    throw thrown;
  }
  return hash;
}

/** Reads a blob and checks it against its name. Throws 'not-found' or 'data-corrupt'. */
export async function getBlob(hash: string): Promise<Uint8Array> {
  const path = blobPath(hash);
  const bytes = await readFile(path).catch((thrown: unknown) => {
    throw new AppError(
      'not-found',
      `Blob ${hash} is missing from ${dirname(path)}. Restore the blobs folder from a backup.`,
      { cause: thrown },
    );
  });
  const found = sha256(bytes);
  if (found !== hash) {
    throw new AppError(
      'data-corrupt',
      `Blob ${hash} holds other bytes (sha256 ${found}). Restore ${path} from a backup.`,
    );
  }
  return bytes;
}

/** A rename is durable only when its folder has reached the disk too. */
async function syncFolder(path: string): Promise<void> {
  // Windows can neither open nor sync a folder; its renames are journalled.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
