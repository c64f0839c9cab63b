/**
 * @file A copy of the data folder while everything runs: the database as it is at one instant, then
 * every blob it points to. A folder holds one backup; backing up to it again copies what is new,
 * and the former one counts until the new one is whole.
 */
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { blobStore } from '@/db/blobs/blobs';
import { folderStore, keepOnly } from '@/db/blobs/folder';
import { allPointedTo, isPointedTo } from '@/db/blobs/references';
import { darkroomHome, databasePath, db, openToRead } from '@/db/client';
import { fileMode, folderMode } from '@/db/private-home';
import { AppError } from '@/lib/errors';
import {
  type BackupManifest,
  copyBlob,
  hashOfFile,
  readManifest,
  syncFile,
  writeManifest,
} from './manifest';

/**
 * How often the database is copied anew because blobs were given up while they were being copied.
 */
const attemptsMax = 5;

export interface BackupReport {
  manifest: BackupManifest;
  /** Blobs that were not in the folder yet. */
  copied: number;
}

/**
 * Backs up the data folder in use. Throws 'bad-request' for a folder that is in use for something
 * else, 'data-corrupt' where the copy of the database is not sound. @param check reads what was
 * backed up before again, too
 */
export async function backUp(
  folder: string,
  { check = false }: { check?: boolean } = {},
): Promise<BackupReport> {
  await claim(folder);
  for (let attempt = 1; ; attempt++) {
    const report = await attemptIn(folder, check);
    if (report) return report;
    if (attempt === attemptsMax) {
      throw new AppError(
        'unavailable',
        `Images went while they were being copied, ${attemptsMax} times. Try again in a moment.`,
      );
    }
  }
}

/** Only an empty folder, or one that holds a backup or the beginning of one, is written to. */
async function claim(folder: string): Promise<void> {
  const home = resolve(darkroomHome());
  const at = resolve(folder);
  if (at === home || at.startsWith(home + sep) || home.startsWith(at + sep)) {
    throw new AppError(
      'bad-request',
      `${folder} and the data folder ${home} lie in each other. Choose a folder outside of it, best on another disk.`,
    );
  }
  await mkdir(folder, { recursive: true, mode: folderMode });
  const others = (await readdir(folder)).filter(
    (name) => name !== 'blobs' && !/^(backup\.json|darkroom-\w+\.db)/.test(name),
  );
  if (others.length > 0) {
    throw new AppError(
      'bad-request',
      `${folder} holds other things (${others[0]}). Choose an empty folder, or that of an earlier backup.`,
    );
  }
  await chmod(folder, folderMode);
  await readManifest(folder);
}

/** Null where a blob was given up, and its row changed, since the database was copied. */
async function attemptIn(folder: string, check: boolean): Promise<BackupReport | null> {
  const createdAt = Date.now();
  const database = await copyDatabase(folder);
  const copy = openToRead(join(folder, database.file));
  const hashes = new Set<string>();
  const damaged: string[] = [];
  let [copied, bytes] = [0, 0];
  try {
    for await (const hash of allPointedTo(copy)) {
      if (!/^[0-9a-f]{64}$/.test(hash)) continue;
      hashes.add(hash);
      const blob = await copyBlob(hash, blobStore(), folderStore(folder), check);
      if (!blob && !(await isPointedTo(hash))) return null;
      if (!blob) damaged.push(hash);
      bytes += blob?.bytes ?? 0;
      if (blob?.copied) copied++;
    }
  } finally {
    copy.$client.close();
  }
  const count = hashes.size - damaged.length;
  const manifest: BackupManifest = {
    format: 'darkroom-backup-1',
    createdAt,
    database,
    blobs: { count, bytes },
    damaged,
  };
  await writeManifest(folder, manifest);
  await prune(folder, database.file, hashes);
  return { manifest, copied };
}

/** The database at one instant, as a file without a log, checked page by page. */
async function copyDatabase(folder: string): Promise<BackupManifest['database']> {
  const temporary = join(folder, 'darkroom-copy.db');
  await rm(temporary, { force: true });
  db();
  // The copy builds its indexes anew, so a damaged one would not show in it.
  expectSound(folder, 'quick_check(1)', databasePath());
  const source = openToRead(databasePath());
  try {
    source.$client.prepare('vacuum into ?').run(temporary);
  } finally {
    source.$client.close();
  }
  expectSound(folder, 'integrity_check(1)', temporary);
  await chmod(temporary, fileMode);
  const sha256 = await hashOfFile(temporary);
  const file = `darkroom-${sha256.slice(0, 12)}.db`;
  await rename(temporary, join(folder, file));
  await syncFile(join(folder, file));
  return { file, sha256, bytes: (await stat(join(folder, file))).size };
}

/** Throws 'data-corrupt' over a database file that SQLite finds damaged. */
function expectSound(folder: string, check: string, path: string): void {
  const { $client: sqlite } = openToRead(path);
  let found: string;
  try {
    found = String(sqlite.pragma(check, { simple: true }));
  } catch (thrown) {
    found = String(thrown);
  } finally {
    sqlite.close();
  }
  if (found === 'ok') return;
  throw new AppError(
    'data-corrupt',
    `The database ${path} is damaged (${found}), so it was not backed up; the former backup in ${folder} is as it was. Restore that one, and npm run doctor says more.`,
  );
}

/** Takes away what only the former backup needed. */
async function prune(folder: string, database: string, hashes: ReadonlySet<string>) {
  for (const name of await readdir(folder)) {
    if (/^darkroom-\w+\.db/.test(name) && name !== database) await rm(join(folder, name));
  }
  await keepOnly(hashes, folder);
}
