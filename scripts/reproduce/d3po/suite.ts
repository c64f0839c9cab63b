/**
 * @file What all works of the suite `d3po` start from, and where its experiments are kept between
 * two starts.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { parseSafetensors, serializeSafetensors } from '@/trainer/formats/safetensors';
import { writeAtomically } from '@/trainer/hands/pretrain/checkpoint';
import { Engine } from '@/trainer/runtime/engine';
import type { Device } from '@/trainer/runtime/protocol';
import type { ExperimentName } from '../experiment/catalogue';
import type { ExperimentResult, Progress } from '../experiment/run';

export interface Suite {
  pipeline: Pipeline;
  device: Device;
  names: readonly ExperimentName[];
  seed: number;
  /** A short version, whose files have names of their own. */
  quick: boolean;
  /** Of the rectified-flow twin. */
  flow: boolean;
  /** Folder of what is under way, and of what is finished. */
  work: string;
  out: string;
}

/** An engine of its own for one piece of work. */
export async function inEngine<T>(
  { device }: Suite,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await Engine.open({ device });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** Writes a finished file and returns its path. */
export async function publish({ out }: Suite, name: string, content: string): Promise<string> {
  await mkdir(out, { recursive: true });
  const path = join(out, name);
  await writeFile(path, content);
  return path;
}

export const progressFolder = ({ work, seed, quick }: Suite, name: ExperimentName): string =>
  join(work, `${name}-${seed}${quick ? '-quick' : ''}`);

/** How far an experiment has come; undefined where it has not begun. */
export async function loadProgress(folder: string): Promise<Progress | undefined> {
  try {
    const result = JSON.parse(
      await readFile(join(folder, 'result.json'), 'utf8'),
    ) as ExperimentResult;
    const path = join(folder, `adapter-${result.rounds.length}.safetensors`);
    return { result, adapter: parseSafetensors(await readFile(path), path).tensors as Adapter };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

/** The adapter first, then the result that names its round: a crash in between loses nothing. */
export async function saveProgress(folder: string, { result, adapter }: Progress): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, `adapter-${result.rounds.length}.safetensors`),
    serializeSafetensors(adapter, { format: 'pt' }),
  );
  writeAtomically(join(folder, 'result.json'), Buffer.from(JSON.stringify(result)));
}
