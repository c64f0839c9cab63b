import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '@/lib/errors';
import { darkroomHome } from '../client';
import { fileMode, folderMode } from '../private-home';

/**
 * Images, trajectories and adapters under the sha256 of their bytes: `blobs/ab/abcdef…`. A blob is
 * never changed and never half-written: it appears whole, by renaming a synced temporary file.
 */

/** Lower-case hexadecimal sha256. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where all blobs of a data folder lie, in one folder for each first two digits. */
export function blobsFolder(home = darkroomHome()): string {
  return join(home, 'blobs');
}

/** Where a blob lies, whether or not it is there. Throws 'bad-request' on what is not a sha256. */
export function blobPath(hash: string, home = darkroomHome()): string {
  if (!/^[0-9a-f]{64}$/.test(hash)) {
    throw new AppError('bad-request', `"${hash}" is not a sha256 in lower-case hexadecimal.`);
  }
  return join(blobsFolder(home), hash.slice(0, 2), hash);
}

export async function hasBlob(hash: string): Promise<boolean> {
  return access(blobPath(hash)).then(
    () => true,
    () => false,
  );
}

/**
 * Stores bytes durably and returns their hash. Storing them again heals a blob that is damaged, and else only renews its
 * date, by which the collector knows that a row may be about to point to it.
 */
export async function putBlob(bytes: Uint8Array): Promise<string> {
  const hash = sha256(bytes);
  const path = blobPath(hash);
  if (await renewed(path, bytes)) return hash;
  const temporary = `${path}.${randomUUID()}.part`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: folderMode });
    const file = await open(temporary, 'wx', fileMode);
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

/** Whether these very bytes lie there already; then their date is now. */
async function renewed(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    if ((await stat(path)).size !== bytes.length) return false;
    const now = new Date();
    // Before the bytes are read: the collector may not take away what was found whole.
    await utimes(path, now, now);
    return (await readFile(path)).equals(bytes);
  } catch {
    // Not there, or cannot be read: it is written anew, and what stands in the way of that is told then.
    return false;
  }
}

/**
 * Reads a blob and checks it against its name. One that holds other bytes is set aside, so that storing the right ones again
 * is all it takes. Throws 'not-found' or 'data-corrupt'.
 */
export async function getBlob(hash: string): Promise<Uint8Array> {
  const path = blobPath(hash);
  const remedy =
    'Restore it with npm run restore, or by copying the file from a backup; drawing or importing the same image again heals it, too.';
  const bytes = await readFile(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOENT') throw thrown;
    throw new AppError('not-found', `Blob ${hash} is missing from ${dirname(path)}. ${remedy}`, {
      cause: thrown,
    });
  });
  const found = sha256(bytes);
  if (found !== hash) {
    const aside = await setAside(hash);
    throw new AppError(
      'data-corrupt',
      `Blob ${hash} holds other bytes (${bytes.length} bytes, sha256 ${found})${aside ? `, and was set aside as ${aside}` : ''}. ${remedy}`,
    );
  }
  return bytes;
}

/** Moves a damaged blob to where nobody takes it for whole; undefined where that cannot be done. */
async function setAside(hash: string): Promise<string | undefined> {
  const path = join(darkroomHome(), 'damaged', hash);
  try {
    await mkdir(dirname(path), { recursive: true, mode: folderMode });
    await rename(blobPath(hash), path);
    return path;
  } catch {
    // A read-only folder, or somebody else has moved or healed it: what was read is wrong all the same.
    return undefined;
  }
}

/** A rename is durable only when its folder has reached the disk too. */
export async function syncFolder(path: string): Promise<void> {
  // Windows can neither open nor sync a folder; its renames are journalled.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
