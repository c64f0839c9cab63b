import { type FileHandle, open } from 'node:fs/promises';
import { blobPath, getBlob } from './blobs';

/** Blobs remembered as whole; the oldest are forgotten first and checked again. */
const checkedMax = 50_000;

/** Paths of blobs whose bytes had the right hash, with what tells that the file is still the same. */
const checked = new Map<string, string>();

/**
 * Reads a blob that many people look at: its bytes are checked against its name once in a process, and again when the file
 * has changed. Throws as `getBlob` does.
 */
export async function checkedBlob(hash: string): Promise<Uint8Array> {
  const path = blobPath(hash);
  // What cannot be opened is told by getBlob.
  const file = await open(path).catch(() => null);
  if (!file) return getBlob(hash);
  try {
    const print = await printOf(file);
    if (checked.get(path) === print) return await file.readFile();
    const bytes = await getBlob(hash);
    remember(path, print);
    return bytes;
  } finally {
    await file.close();
  }
}

async function printOf(file: FileHandle): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await file.stat();
  return [ino, size, mtimeMs, ctimeMs].join(' ');
}

function remember(path: string, print: string): void {
  if (checked.size >= checkedMax) checked.delete(checked.keys().next().value ?? '');
  checked.set(path, print);
}
