/**
 * @file The blob store of one machine: `blobs/ab/abcdef…` in a data folder, or in a backup's.
 * Nobody outside this room sees a path.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '@/lib/errors';
import { darkroomHome } from '../client';
import { fileMode, folderMode } from '../private-home';
import { type BlobStat, type BlobStore, sha256 } from './store';

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

/** The blobs of a data folder, the current one unless named. */
export function folderStore(home = darkroomHome()): BlobStore {
  return {
    put: (bytes) => put(bytes, home),
    get: (hash) => get(hash, home),
    stat: (hash) => statOf(hash, home),
    stream: (hash) => createReadStream(blobPath(hash, home)),
  };
}

async function statOf(hash: string, home: string): Promise<BlobStat | null> {
  const file = await stat(blobPath(hash, home)).catch(() => null);
  return file && { bytes: file.size };
}

async function put(bytes: Uint8Array, home: string): Promise<string> {
  const hash = sha256(bytes);
  const path = blobPath(hash, home);
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
    // Not there, or cannot be read: it is written anew, and what stands in the way of that is told
    // then.
    return false;
  }
}

async function get(hash: string, home: string): Promise<Uint8Array> {
  const path = blobPath(hash, home);
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
    const aside = await setAside(hash, home);
    throw new AppError(
      'data-corrupt',
      `Blob ${hash} holds other bytes (${bytes.length} bytes, sha256 ${found})${aside ? `, and was set aside as ${aside}` : ''}. ${remedy}`,
    );
  }
  return bytes;
}

/** Moves a damaged blob to where nobody takes it for whole; undefined where that cannot be done. */
async function setAside(hash: string, home: string): Promise<string | undefined> {
  const path = join(home, 'damaged', hash);
  try {
    await mkdir(dirname(path), { recursive: true, mode: folderMode });
    await rename(blobPath(hash, home), path);
    return path;
  } catch {
    // A read-only folder, or somebody else has moved or healed it: what was read is wrong all the
    // same.
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

/**
 * Takes away all of a folder's blobs but these, and what was left half-written: a backup's, which
 * nobody else writes.
 */
export async function keepOnly(hashes: ReadonlySet<string>, home: string): Promise<void> {
  const blobs = blobsFolder(home);
  for (const prefix of await readdir(blobs).catch(() => [])) {
    for (const name of await readdir(join(blobs, prefix))) {
      if (!hashes.has(name)) await rm(join(blobs, prefix, name));
    }
  }
}
