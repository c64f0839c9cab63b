/**
 * @file The data folder is its owner's alone: it holds the key of the cookies, sessions and what
 * people said. Folders are 0700 and files 0600, those of a folder from before this rule too. On
 * Windows a home folder is private by itself.
 */
import { chmodSync, type Dirent, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, parse } from 'node:path';

export const folderMode = 0o700;
export const fileMode = 0o600;

/**
 * What Darkroom puts into its folder; somebody's folder may hold other things, which are left
 * alone.
 */
const ownFolders = ['blobs', 'checkpoints', 'damaged', 'judges', 'logs', 'pipelines', 'prepared'];
const ownFile = /^(darkroom|running)\./;

/**
 * Makes a data folder if need be, and takes everybody else's rights to what is in it. A folder is
 * made private after what it holds, so a folder of a thousand blobs that is private already need
 * not be read again. Returns what could not be changed: on some file systems nothing can.
 */
export function makePrivate(home: string): string[] {
  mkdirSync(home, { recursive: true, mode: folderMode });
  if (process.platform === 'win32') return [];
  const failed: string[] = [];
  const restrict = (path: string, mode: number) => {
    try {
      if (modeOf(path) !== mode) chmodSync(path, mode);
    } catch (thrown) {
      // Gone meanwhile: SQLite's own files and temporary ones come and go.
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') failed.push(path);
    }
  };
  const visit = (folder: string) => {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isFile()) restrict(path, fileMode);
      // What a link leads to lies elsewhere and is not Darkroom's.
      if (entry.isDirectory() && !(isOfBlobs(path) && modeOf(path) === folderMode)) visit(path);
    }
    restrict(folder, folderMode);
  };
  for (const entry of entriesOf(home)) {
    const path = join(home, entry.name);
    if (entry.isFile() && ownFile.test(entry.name)) restrict(path, fileMode);
    if (entry.isDirectory() && ownFolders.includes(entry.name)) visit(path);
  }
  if (!isShared(home)) restrict(home, folderMode);
  return failed;
}

function modeOf(path: string): number {
  return lstatSync(path).mode & 0o777;
}

/** `blobs/ab`. */
function isOfBlobs(folder: string): boolean {
  return basename(dirname(folder)) === 'blobs' && basename(folder).length === 2;
}

/** A folder that serves others, too: /tmp and the like, a person's home, the root. */
function isShared(folder: string): boolean {
  const isSticky = (statSync(folder).mode & 0o1000) !== 0;
  return isSticky || folder === homedir() || folder === parse(folder).root;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
