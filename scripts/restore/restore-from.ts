/**
 * @file A backup back into an empty data folder. The database comes last: until then there is
 * nothing that could be started.
 */
import { copyFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { folderStore } from '@/db/blobs/folder';
import { allPointedTo } from '@/db/blobs/references';
import { darkroomHome, databasePath, openToRead } from '@/db/client';
import { makePrivate } from '@/db/private-home';
import { AppError } from '@/lib/errors';
import {
  type BackupManifest,
  copyBlob,
  hashOfFile,
  readManifest,
  syncFile,
} from '@/scripts/backup/manifest';

export interface RestoreReport {
  home: string;
  manifest: BackupManifest;
  /** Blobs that the backup should hold and does not, or not whole. */
  damaged: string[];
}

/**
 * Restores a backup into the data folder in use, which must hold no database yet; interrupted, it
 * may be begun again. Throws 'bad-request' where there is no backup, 'conflict' where there is a
 * database, 'data-corrupt' where the backup's is damaged.
 */
export async function restoreFrom(folder: string): Promise<RestoreReport> {
  const home = darkroomHome();
  const manifest = await readManifest(folder);
  if (!manifest) {
    throw new AppError(
      'bad-request',
      `${folder} holds no finished backup (there is no backup.json). Name the folder that npm run backup was given.`,
    );
  }
  if (await stat(databasePath()).catch(() => null)) {
    throw new AppError(
      'conflict',
      `${home} holds a database already. Stop Darkroom and move that folder aside, or name a new one: DARKROOM_HOME=/new/folder npm run restore -- ${folder}`,
    );
  }
  const source = join(folder, manifest.database.file);
  await expectHash(source, manifest.database.sha256);
  makePrivate(home);
  const damaged: string[] = [];
  const copy = openToRead(source);
  try {
    for await (const hash of allPointedTo(copy)) {
      if (!/^[0-9a-f]{64}$/.test(hash)) continue;
      const blob = await copyBlob(hash, folderStore(folder), folderStore(home));
      if (!blob) damaged.push(hash);
    }
  } finally {
    copy.$client.close();
  }
  const temporary = `${databasePath()}.part`;
  await copyFile(source, temporary);
  await syncFile(temporary);
  await expectHash(temporary, manifest.database.sha256);
  await rename(temporary, databasePath());
  makePrivate(home);
  return { home, manifest, damaged };
}

async function expectHash(path: string, wanted: string): Promise<void> {
  const found = await hashOfFile(path);
  if (found === wanted) return;
  throw new AppError(
    'data-corrupt',
    `${path} is damaged (sha256 ${found.slice(0, 12)}, not ${wanted.slice(0, 12)}). Take another backup.`,
  );
}
