/**
 * @file A backup's folder: `backup.json` says which database file counts; blobs lie beside it under
 * their hashes.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { syncFolder } from '@/db/blobs/folder';
import { type BlobStore, sha256 } from '@/db/blobs/store';
import { fileMode, folderMode } from '@/db/private-home';
import { AppError } from '@/lib/errors';

const manifestSchema = z.object({
  format: z.literal('darkroom-backup-1'),
  /** When the database was copied, ms. */
  createdAt: z.number().int(),
  database: z.object({
    file: z.string().regex(/^darkroom-[0-9a-f]{12}\.db$/),
    sha256: z.string(),
    bytes: z.number().int(),
  }),
  blobs: z.object({ count: z.number().int(), bytes: z.number().int() }),
  /** Blobs that were missing or damaged already. */
  damaged: z.array(z.string()),
});

export type BackupManifest = z.infer<typeof manifestSchema>;

const manifestFile = 'backup.json';

/**
 * What the folder holds; null where there is no backup in it. Throws 'data-corrupt' where its
 * manifest cannot be read.
 */
export async function readManifest(folder: string): Promise<BackupManifest | null> {
  const path = join(folder, manifestFile);
  const text = await readFile(path, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null;
    throw thrown;
  });
  if (text === null) return null;
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError(
      'data-corrupt',
      `${path} is no manifest of a backup that this version reads. Take another backup, or update Darkroom.`,
      { cause },
    );
  }
}

/** From now on this backup counts. */
export async function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeDurably(join(folder, manifestFile), new TextEncoder().encode(text));
}

/** Writes a file that appears whole or not at all. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.part`;
  await mkdir(dirname(path), { recursive: true, mode: folderMode });
  const file = await open(temporary, 'w', fileMode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Brings a file that another program has written to the disk, for good. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
}

/** sha256 of a file of any size. */
export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Copies a blob and checks it on the way; what lies there already with the same size is left.
 * Returns its bytes and whether they were copied, or null where neither side has them whole. @param
 * check reads what lies there already, too
 */
export async function copyBlob(
  hash: string,
  from: BlobStore,
  to: BlobStore,
  check = false,
): Promise<{ bytes: number; copied: boolean } | null> {
  const [source, target] = await Promise.all([from.stat(hash), to.stat(hash)]);
  if (!check && source && source.bytes === target?.bytes) {
    return { bytes: source.bytes, copied: false };
  }
  if (check && target && (await readWhole(to, hash))) {
    return { bytes: target.bytes, copied: false };
  }
  const bytes = await readWhole(from, hash);
  if (bytes) {
    await to.put(bytes);
    return { bytes: bytes.length, copied: true };
  }
  const kept = await readWhole(to, hash);
  return kept && { bytes: kept.length, copied: false };
}

/**
 * A blob's bytes; null where it is missing or holds others: those are left alone, the other side
 * may be able to heal them.
 */
async function readWhole(store: BlobStore, hash: string): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of store.stream(hash)) chunks.push(chunk);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw thrown;
  }
  const bytes = Buffer.concat(chunks);
  return sha256(bytes) === hash ? bytes : null;
}
