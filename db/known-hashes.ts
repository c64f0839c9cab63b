/**
 * @file Hashes of large files, remembered one by one in the data folder (`darkroom.hashes.json`)
 * with what tells that a file has changed, so that a restart, or going on after a kill, need not
 * read gigabytes again. Not in the database: sizes, instants and inodes are true of one machine's
 * disk. Whoever deletes the file waits once more, and loses nothing.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { darkroomHome } from './client';
import { fileMode } from './private-home';

/** A pipeline has a dozen files, or a thousand where each tensor has its own. */
const rememberedMax = 4096;

/** Writing what is remembered after every file of thousands would cost more than reading them. */
const rememberEveryMs = 1000;

/** Of each file its name and what differs once it is another. */
export type FilePrints = [name: string, print: string][];

const rememberedSchema = z.array(
  z.object({ path: z.string(), print: z.string(), hash: z.string() }),
);

type Remembered = z.infer<typeof rememberedSchema>[number];

/** Told of bytes hashed so far, those that need not be read again among them, and of how many. */
export type HashProgress = (doneBytes: number, totalBytes: number) => void;

/**
 * Size, instants of the last change of contents and of anything else (ns), and inode, of files of a
 * folder. The second instant is the system's own: nothing sets it back, as copying tools do with
 * the first.
 */
export async function printsOf(folder: string, files: readonly string[]): Promise<FilePrints> {
  return Promise.all(
    files.map(async (name): Promise<FilePrints[number]> => {
      const { size, mtimeNs, ctimeNs, ino } = await stat(join(folder, name), { bigint: true });
      return [name, [size, mtimeNs, ctimeNs, ino].join(' ')];
    }),
  );
}

/**
 * The hash of each of the files of a folder: what was remembered, if it has not changed since; else
 * `reckon` reads it. Throws 'unavailable' where one changes meanwhile.
 */
export async function knownHashes(
  folder: string,
  files: readonly string[],
  reckon: (path: string, onBytes: (bytes: number) => void) => Promise<string>,
  progress: HashProgress = () => {},
): Promise<string[]> {
  const prints = await printsOf(folder, files);
  const known = new Map((await remembered()).map((one) => [one.path, one]));
  const sizes = prints.map(([, print]) => Number.parseInt(print, 10));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let done = 0;
  let fresh: Remembered[] = [];
  let writtenAt = performance.now();
  const hashes: string[] = [];
  for (const [i, [name, print]] of prints.entries()) {
    const path = resolve(folder, name);
    const there = known.get(path);
    if (there?.print === print) {
      done += sizes[i]!;
      hashes.push(there.hash);
      progress(done, total);
      continue;
    }
    const hash = await reckon(path, (bytes) => {
      done += bytes;
      progress(done, total);
    });
    const [after] = await printsOf(folder, [name]);
    if (after?.[1] !== print) {
      throw new AppError(
        'unavailable',
        `Files in ${folder} were written while they were read. Wait until nothing writes there any more, then try again.`,
      );
    }
    hashes.push(hash);
    fresh.push({ path, print, hash });
    if (performance.now() - writtenAt < rememberEveryMs) continue;
    await remember(fresh);
    fresh = [];
    writtenAt = performance.now();
  }
  if (fresh.length > 0) await remember(fresh);
  return hashes;
}

function path(): string {
  return join(darkroomHome(), 'darkroom.hashes.json');
}

async function remembered(): Promise<Remembered[]> {
  try {
    return rememberedSchema.parse(JSON.parse(await readFile(path(), 'utf8')));
  } catch {
    // Not there, not whole, or of an older version: it is written anew.
    return [];
  }
}

/** Two processes that remember at once may lose some of the hashes: they are reckoned again. */
async function remember(fresh: readonly Remembered[]): Promise<void> {
  const renewed = new Set(fresh.map((one) => one.path));
  const others = (await remembered()).filter((other) => !renewed.has(other.path));
  const temporary = `${path()}.${randomUUID()}.part`;
  try {
    const text = JSON.stringify([...fresh, ...others].slice(0, rememberedMax));
    await writeFile(temporary, text, { mode: fileMode });
    await rename(temporary, path());
  } catch {
    // A full disk, or no data folder yet: what is not remembered is reckoned again.
    await rm(temporary, { force: true }).catch(() => {});
  }
}
