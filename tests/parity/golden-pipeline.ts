/**
 * @file The pipeline that a folder of reference numbers is of: `tiny-sd/`, or `pipeline/` beside
 * `parity/`. Where the reference was made with other settings than diffusers' defaults, it is
 * opened with a `conditioning.json` that says them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { readJson } from './golden';

/** Its folder; undefined where there is none. */
export function goldenPipelineFolder(folder: string): string | undefined {
  return ['tiny-sd', 'pipeline'].map((name) => join(folder, name)).find((path) => existsSync(path));
}

/** Where its numbers are: another export of the same weights has none of its own. */
export function parityFolder(folder: string): string {
  const own = join(folder, 'parity');
  const file = join(own, 'golden.json');
  if (!existsSync(file)) return own;
  const { parity_of: other } = JSON.parse(readFileSync(file, 'utf8')) as { parity_of?: string };
  return other ? join(folder, '..', other, 'parity') : own;
}

interface Recipe {
  conditioning?: { max_sequence_length?: number; text_preprocessing?: string };
}

/** How the reference's prompts were encoded, as `conditioning.json` says it. */
async function settingsOf(folder: string): Promise<object | undefined> {
  const { conditioning } = await readJson<Recipe>(join(parityFolder(folder), 'golden.json'));
  const maxSequenceLength = conditioning?.max_sequence_length;
  return maxSequenceLength === undefined ? undefined : { maxSequenceLength, instruction: [] };
}

/** Opens the pipeline for a while. @param settings instead of the reference's own */
export async function withGoldenPipeline<Result>(
  folder: string,
  use: (pipeline: Pipeline) => Promise<Result>,
  settings?: object,
): Promise<Result> {
  const own = goldenPipelineFolder(folder)!;
  const said = settings ?? (await settingsOf(folder));
  if (!said) return use(await openPipeline(own));
  const here = await mkdtemp(join(tmpdir(), 'darkroom-golden-'));
  try {
    for (const name of await readdir(own)) {
      await symlink(resolve(own, name), join(here, name));
    }
    await writeFile(join(here, 'conditioning.json'), JSON.stringify(said));
    return await use(await openPipeline(here));
  } finally {
    await rm(here, { recursive: true });
  }
}
