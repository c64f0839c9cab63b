/**
 * @file Training's state on disk: weights, their average, optimizer moments and what else a method keeps, as one safetensors file per
 * checkpoint under `checkpoints/ROUND/`. The work's cursor names the file that counts; others are left-overs.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '@/db/blobs/blobs';
import { darkroomHome } from '@/db/client';
import { fileMode, folderMode } from '@/db/private-home';
import { AppError } from '@/lib/errors';
import { parseSafetensors, serializeSafetensors } from '@/trainer/formats/safetensors';
import type { TrainState } from '@/trainer/methods/optimizer/optimizer';
import { stateOfTensors, tensorsOfState } from '@/trainer/methods/optimizer/state-tensors';

/** What a cursor says of the checkpoint that counts. */
export const checkpointSchema = z.object({
  /** Steps of the training taken; each may be several of the optimizer's. */
  step: z.number().int().nonnegative(),
  file: z.string().regex(/^step-\d+\.safetensors$/),
  sha256: z.string(),
});

export type Checkpoint = z.infer<typeof checkpointSchema>;

function folderOf(roundId: string): string {
  return join(darkroomHome(), 'checkpoints', roundId);
}

/** Writes a checkpoint durably and returns what the cursor has to say of it. @param step of the training, steps taken */
export async function writeCheckpoint(
  roundId: string,
  step: number,
  state: TrainState,
): Promise<Checkpoint> {
  const bytes = serializeSafetensors(tensorsOfState(state), {
    round: roundId,
    step: String(state.step),
  });
  const file = `step-${String(step).padStart(6, '0')}.safetensors`;
  const folder = folderOf(roundId);
  await mkdir(folder, { recursive: true, mode: folderMode });
  const temporary = join(folder, `${file}.part`);
  const handle = await open(temporary, 'w', fileMode);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, join(folder, file));
  return { step, file, sha256: sha256(bytes) };
}

/**
 * The state that a cursor names, or null where its file is gone: training then starts over, to the same result.
 * Throws 'data-corrupt' on other bytes than were written.
 */
export async function readCheckpoint(
  roundId: string,
  { file, sha256: wanted }: Checkpoint,
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
  const { tensors, metadata } = parseSafetensors(bytes, path);
  return stateOfTensors(tensors, Number(metadata.step));
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
