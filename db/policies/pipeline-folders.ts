/**
 * @file Where pipelines lie on this machine. A pipeline is known by its name and the hash of its
 * files, in every database; which folder holds it stands in the data folder
 * (`darkroom.pipelines.json`), since another machine has other folders.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { builtInSchema } from '@/lib/pipeline-imports';
import { darkroomHome } from '../client';
import { fileMode } from '../private-home';

/**
 * What a pipeline is known by: the name that policies and runs bear, and the hash of its base
 * policy.
 */
export interface PipelineIdentity {
  pipeline: string;
  hash: string;
}

const foldersSchema = z.array(
  z.object({ pipeline: z.string(), hash: z.string(), folder: z.string() }),
);

type KeptFolder = z.infer<typeof foldersSchema>[number];

/**
 * The folder of a pipeline: where it was said to lie, else the program's own for `hands`. Names
 * from before pipelines had names are the folder itself. Throws 'not-found' where nobody said.
 * @param builtIn the folder of `hands`
 */
export function folderOf({ pipeline, hash }: PipelineIdentity, builtIn: string): string {
  const kept = keptFolders().find((one) => one.pipeline === pipeline && one.hash === hash);
  if (kept) return kept.folder;
  if (pipeline === 'hands') return builtIn;
  if (isAbsolute(pipeline)) return pipeline;
  throw new AppError(
    'not-found',
    `Nobody has said where the pipeline "${pipeline}" (hash ${hash.slice(0, 12)}) lies on this machine. Say so: ${placing(pipeline)}.`,
  );
}

/** What is typed to say where a pipeline lies. */
export function placing(pipeline: string): string {
  if (builtInSchema.safeParse(pipeline).success) return `npm run policy:import -- ${pipeline}`;
  return `npm run policy:import -- FOLDER --name ${JSON.stringify(pipeline)}`;
}

/** Keeps where a pipeline lies, in place of what was kept of it before. */
export function keepFolder(one: KeptFolder): void {
  const others = keptFolders().filter(
    ({ pipeline, hash }) => pipeline !== one.pipeline || hash !== one.hash,
  );
  const temporary = `${path()}.${randomUUID()}.part`;
  writeFileSync(temporary, `${JSON.stringify([...others, one], null, 2)}\n`, { mode: fileMode });
  renameSync(temporary, path());
}

function path(): string {
  return join(darkroomHome(), 'darkroom.pipelines.json');
}

function keptFolders(): KeptFolder[] {
  let text: string;
  try {
    text = readFileSync(path(), 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
  try {
    return foldersSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError(
      'data-corrupt',
      `${path()} does not say where pipelines lie. Delete it, and say it again: npm run policy:import -- FOLDER --name NAME.`,
      { cause },
    );
  }
}
