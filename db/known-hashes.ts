/**
 * @file Hashes of large files, remembered in the data folder (`darkroom.hashes.json`) with what
 * tells that a file has changed, so that a restart need not read gigabytes again. Not in the
 * database: sizes, instants and inodes are true of one machine's disk. Whoever deletes the file
 * waits once more, and loses nothing.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { darkroomHome } from './client';
import { fileMode } from './private-home';

/** A pipeline has a dozen files, or a thousand where each tensor has its own. */
const rememberedMax = 64;

/** Of each file its name and what differs once it is another. */
export type FilePrints = [name: string, print: string][];

const rememberedSchema = z.array(
  z.object({
    folder: z.string(),
    files: z.array(z.tuple([z.string(), z.string()])),
    hash: z.string(),
  }),
);

type Remembered = z.infer<typeof rememberedSchema>[number];

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
 * The hash of files of a folder: what was remembered, if none of them has changed since; else
 * `reckon` reads all of them. Throws 'unavailable' where they change meanwhile.
 */
export async function knownHash(
  folder: string,
  files: readonly string[],
  reckon: () => Promise<string>,
): Promise<string> {
  const prints = await printsOf(folder, files);
  const own = { folder: resolve(folder), files: prints };
  const known = (await remembered()).find((one) => isOf(one, own));
  if (known) return known.hash;
  const hash = await reckon();
  if (!isSame(prints, await printsOf(folder, files))) {
    throw new AppError(
      'unavailable',
      `Files in ${folder} were written while they were read. Wait until nothing writes there any more, then try again.`,
    );
  }
  await remember({ ...own, hash });
  return hash;
}

function isOf(one: Remembered, { folder, files }: Omit<Remembered, 'hash'>): boolean {
  return one.folder === folder && isSame(one.files, files);
}

function isSame(some: FilePrints, others: FilePrints): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

function path(): string {
  return join(darkroomHome(), 'darkroom.hashes.json');
}

async function remembered(): Promise<Remembered[]> {
  try {
    return rememberedSchema.parse(JSON.parse(await readFile(path(), 'utf8')));
  } catch {
    // Not there, or not whole: it is written anew.
    return [];
  }
}

/** Two processes that remember at once may lose one of the hashes: it is reckoned again. */
async function remember(one: Remembered): Promise<void> {
  const names = (of: Remembered) => JSON.stringify([of.folder, of.files.map(([name]) => name)]);
  const others = (await remembered()).filter((other) => names(other) !== names(one));
  const temporary = `${path()}.${randomUUID()}.part`;
  try {
    const text = JSON.stringify([one, ...others].slice(0, rememberedMax));
    await writeFile(temporary, text, { mode: fileMode });
    await rename(temporary, path());
  } catch {
    // A full disk, or no data folder yet: what is not remembered is reckoned again.
    await rm(temporary, { force: true }).catch(() => {});
  }
}
