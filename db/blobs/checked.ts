import { readFileSync, type Stats, statSync } from 'node:fs';
import { getBlob } from './blobs';
import { blobPath } from './folder';

/** Blobs remembered as whole; the oldest are forgotten first and checked again. */
const checkedMax = 50_000;

/**
 * Paths of blobs whose bytes had the right hash, with what tells that the file is still the same.
 */
const checked = new Map<string, string>();

/**
 * Reads a blob that many people look at: its bytes are checked against its name once in a process,
 * and again when the file has changed. What was whole is read at once, as the database is: a detour
 * through other threads costs several times as much as reading a small file. Throws as `getBlob`
 * does.
 */
export async function checkedBlob(hash: string): Promise<Uint8Array> {
  const path = blobPath(hash);
  const stats = statSync(path, { throwIfNoEntry: false });
  // What is missing is told by getBlob.
  if (!stats) return getBlob(hash);
  const print = printOf(stats);
  if (checked.get(path) === print) return readFileSync(path);
  const bytes = await getBlob(hash);
  if (checked.size >= checkedMax) checked.delete(checked.keys().next().value ?? '');
  checked.set(path, print);
  return bytes;
}

function printOf({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [ino, size, mtimeMs, ctimeMs].join(' ');
}
