/**
 * @file The folder under which models lie that pages may import: the administrator names it
 * (`DARKROOM_MODELS`), and nothing above it is shown or read for a page.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { AppError } from '@/lib/errors';

/** The root, or null where nobody has named one. */
export function namedRoot(): string | null {
  const named = process.env.DARKROOM_MODELS;
  return named ? resolve(/* turbopackIgnore: true */ named) : null;
}

/** Throws 'unprocessable', with the remedy, where nobody has named one. */
export function modelsRoot(): string {
  const named = namedRoot();
  if (named !== null) return named;
  throw new AppError(
    'unprocessable',
    'No folder is named from which pages may import models. Start Darkroom with DARKROOM_MODELS=/folder/of/models, or import at the machine: npm run policy:import -- FOLDER.',
  );
}

export interface ModelFolder {
  name: string;
  /** Holds a `model_index.json`: it is one. */
  isPipeline: boolean;
}

/**
 * The real path of a folder under the root, links followed. @param below from the root, with
 * slashes. Throws 'forbidden' for one outside, 'not-found' where there is none.
 */
export async function folderUnderRoot(below: string): Promise<string> {
  const root = modelsRoot();
  const inside = await realOf(root, root);
  const real = await realOf(join(root, below), join(root, below));
  const way = relative(inside, real);
  if (way === '..' || way.startsWith(`..${sep}`) || resolve(way) === way) {
    throw new AppError(
      'forbidden',
      `"${below}" leads out of ${root}, from which pages may import models. Move the model there, or import it at the machine: npm run policy:import -- FOLDER.`,
    );
  }
  return real;
}

async function realOf(path: string, named: string): Promise<string> {
  return realpath(/* turbopackIgnore: true */ path).catch(() => {
    throw new AppError(
      'not-found',
      `${named} does not exist on this machine, or may not be read. Choose another folder.`,
    );
  });
}

/** Listed at most. */
const foldersMax = 500;

/** The folders in a folder under the root, by name; links that lead out of it are left out. */
export async function listModelFolders(below: string): Promise<ModelFolder[]> {
  const folder = await folderUnderRoot(below);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => {
    throw new AppError('not-found', `${folder} may not be read. Choose another folder.`);
  });
  const found = await Promise.all(
    entries.slice(0, foldersMax).map(async ({ name }): Promise<ModelFolder[]> => {
      if (name.startsWith('.')) return [];
      const real = await folderUnderRoot(join(below, name)).catch(() => null);
      if (real === null || !(await isThere(real, 'isDirectory'))) return [];
      const isPipeline = await isThere(join(real, 'model_index.json'), 'isFile');
      return [{ name, isPipeline }];
    }),
  );
  return found.flat().sort((a, b) => a.name.localeCompare(b.name));
}

/** Files listed, and folders looked into, at most. */
const filesMax = 500;
const loraFoldersMax = 2000;

/**
 * LoRA files under the root, by their way from it with slashes: whatever is safetensors and lies in
 * no pipeline.
 */
export async function listLoraFiles(): Promise<string[]> {
  const found: string[] = [];
  const folders = [''];
  for (let at = 0; at < folders.length && at < loraFoldersMax; at++) {
    const below = folders[at]!;
    const folder = await folderUnderRoot(below);
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    if (entries.some(({ name }) => name === 'model_index.json')) continue;
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const way = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) folders.push(way);
      else if (entry.isFile() && entry.name.endsWith('.safetensors')) found.push(way);
    }
  }
  return found.sort().slice(0, filesMax);
}

async function isThere(path: string, kind: 'isFile' | 'isDirectory'): Promise<boolean> {
  return stat(path).then(
    (found) => found[kind](),
    () => false,
  );
}
