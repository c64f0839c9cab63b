/**
 * @file Training's state on disk: weights, optimizer moments and the count of steps, as one safetensors file per
 * checkpoint under `checkpoints/ROUND/`. The work's cursor names the file that counts; others are left-overs.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '@/db/blobs';
import { darkroomHome } from '@/db/client';
import { AppError } from '@/lib/errors';
import type { Adapter } from '@/trainer/diffusion/lora';
import { parseSafetensors, serializeSafetensors } from '@/trainer/diffusion/safetensors';
import type { TrainState } from '@/trainer/methods/optimizer/optimizer';

/** What a cursor says of the checkpoint that counts. */
export const checkpointSchema = z.object({
  /** Optimizer steps taken. */
  step: z.number().int().nonnegative(),
  file: z.string().regex(/^step-\d+\.safetensors$/),
  sha256: z.string(),
});

export type Checkpoint = z.infer<typeof checkpointSchema>;

const parts = { tensors: 'weights', firstMoments: 'm', secondMoments: 'v' } as const;

function folderOf(roundId: string): string {
  return join(darkroomHome(), 'checkpoints', roundId);
}

/** Writes a checkpoint durably and returns what the cursor has to say of it. */
export async function writeCheckpoint(roundId: string, state: TrainState): Promise<Checkpoint> {
  const tensors: Adapter = new Map();
  for (const [part, prefix] of Object.entries(parts)) {
    for (const [name, value] of state[part as keyof typeof parts]) {
      tensors.set(`${prefix}.${name}`, value);
    }
  }
  const bytes = serializeSafetensors(tensors, { round: roundId, step: String(state.step) });
  const file = `step-${String(state.step).padStart(6, '0')}.safetensors`;
  const folder = folderOf(roundId);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `${file}.part`);
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, join(folder, file));
  return { step: state.step, file, sha256: sha256(bytes) };
}

/**
 * The state that a cursor names, or null where its file is gone: training then starts over, to the same result.
 * Throws 'data-corrupt' on other bytes than were written.
 */
export async function readCheckpoint(
  roundId: string,
  { file, step, sha256: wanted }: Checkpoint,
): Promise<TrainState | null> {
  const path = join(folderOf(roundId), file);
  const bytes = await readFile(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null;
    throw thrown;
  });
  if (!bytes) return null;
  const found = sha256(bytes);
  if (found !== wanted) {
    throw new AppError(
      'data-corrupt',
      `The checkpoint ${path} is damaged (sha256 ${found.slice(0, 12)}, not ${wanted.slice(0, 12)}). Restore it from a backup, or delete it and try the round again: training then starts over from the same answers, to the same result.`,
    );
  }
  const { tensors } = parseSafetensors(bytes, path);
  const part = (prefix: string): Adapter =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(`${prefix}.`))
        .map(([name, value]) => [name.slice(prefix.length + 1), value]),
    ) as Adapter;
  return {
    step,
    tensors: part(parts.tensors),
    firstMoments: part(parts.firstMoments),
    secondMoments: part(parts.secondMoments),
  };
}

/** Deletes a round's checkpoints, all but the one given. */
export async function dropCheckpoints(roundId: string, except?: Checkpoint): Promise<void> {
  const folder = folderOf(roundId);
  if (!except) {
    await rm(folder, { recursive: true, force: true });
    return;
  }
  for (const file of await readdir(folder)) {
    if (file !== except.file) await rm(join(folder, file), { force: true });
  }
}
