/**
 * @file Blobs that nobody points to, and what crashes left half-written, are taken away. A blob is
 * put before the row that points to it, so what is young may be about to be pointed to, and stays.
 * The rest is looked at again under the write lock, where no row can come; there it is only
 * renamed, and if it was stored again at that very moment, renamed back.
 */
import { readdirSync, renameSync, statSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { portions } from '../portions';
import { immediate, read } from '../transaction';
import { blobPath, blobsFolder } from './folder';
import { pointedTo, pointedToUnder } from './references';

/**
 * Longer than anything takes between storing a blob and the row: a large import, a batch of slow
 * images.
 */
export const graceMs = 24 * 3_600_000;

/** Renamed within one transaction: some milliseconds. */
const filesPerTransaction = 50;

const hashName = /^[0-9a-f]{64}$/;
const doomedName = /^([0-9a-f]{64})\.doomed$/;

export interface Collected {
  files: number;
  bytes: number;
}

/** A blob that may go if nobody points to it and it was not stored after `storedUntil` (ms). */
export interface Candidate {
  hash: string;
  storedUntil: number;
}

/** The folders `ab` of all blobs there are, in order. */
export async function blobPrefixes(): Promise<string[]> {
  const names = await readdir(blobsFolder()).catch(() => []);
  return names.filter((name) => /^[0-9a-f]{2}$/.test(name)).sort();
}

/** Takes away what is left over in one folder of blobs, older than the grace. */
export async function collectUnder(prefix: string, now = Date.now()): Promise<Collected> {
  const folder = join(blobsFolder(), prefix);
  const storedUntil = now - graceMs;
  await settle(folder);
  const names = await readdir(folder);
  const collected = await dropParts(folder, names, storedUntil);
  const used = await read(pointedToUnder(prefix));
  const left: Candidate[] = [];
  for (const hash of names) {
    if (!hashName.test(hash) || used.has(hash)) continue;
    const file = await stat(join(folder, hash)).catch(() => null);
    if (file && file.mtimeMs <= storedUntil) left.push({ hash, storedUntil });
  }
  return sum([collected, await dropBlobs(left)]);
}

/** Takes away those of these blobs that nobody points to and that were not stored again since. */
export async function dropBlobs(candidates: readonly Candidate[]): Promise<Collected> {
  const collected: Collected[] = [];
  for (const some of portions(candidates, filesPerTransaction)) {
    const doomed = await immediate(function* (tx) {
      const used = yield* pointedTo(
        tx,
        some.map(({ hash }) => hash),
      );
      return some.flatMap((one) => (used.has(one.hash) ? [] : doom(one)));
    });
    for (const path of doomed) collected.push(await dropFile(path));
  }
  return sum(collected);
}

/** Renames a blob to what nobody reads; returns where it is now, nothing where it stays. */
function doom({ hash, storedUntil }: Candidate): string[] {
  const path = blobPath(hash);
  const doomed = `${path}.doomed`;
  try {
    if (statSync(path).mtimeMs > storedUntil) return [];
    renameSync(path, doomed);
    if (statSync(doomed).mtimeMs <= storedUntil) return [doomed];
    renameSync(doomed, path);
    return [];
  } catch {
    // Gone already, or it cannot be moved: the next round of collecting looks again.
    return [];
  }
}

/** Ends what a crash interrupted between renaming and deleting: what is pointed to comes back. */
async function settle(folder: string): Promise<void> {
  const hashes = (await readdir(folder)).flatMap((name) => doomedName.exec(name)?.[1] ?? []);
  if (hashes.length === 0) return;
  await immediate(function* (tx) {
    const used = yield* pointedTo(tx, hashes);
    const there = new Set(readdirSync(folder));
    for (const hash of hashes) {
      const path = blobPath(hash);
      if (used.has(hash) && !there.has(hash)) renameSync(`${path}.doomed`, path);
    }
  });
  for (const hash of hashes) await rm(`${blobPath(hash)}.doomed`, { force: true });
}

async function dropParts(
  folder: string,
  names: readonly string[],
  storedUntil: number,
): Promise<Collected> {
  const collected: Collected[] = [];
  for (const name of names.filter((one) => one.endsWith('.part'))) {
    const file = await stat(join(folder, name)).catch(() => null);
    if (file && file.mtimeMs <= storedUntil) collected.push(await dropFile(join(folder, name)));
  }
  return sum(collected);
}

async function dropFile(path: string): Promise<Collected> {
  const file = await stat(path).catch(() => null);
  await rm(path, { force: true });
  return { files: file ? 1 : 0, bytes: file?.size ?? 0 };
}

export function sum(parts: readonly Collected[]): Collected {
  return {
    files: parts.reduce((total, { files }) => total + files, 0),
    bytes: parts.reduce((total, { bytes }) => total + bytes, 0),
  };
}
