/**
 * @file Training's state on disk: weights, their average, optimizer moments and what else a method
 * keeps, as one safetensors blob per checkpoint. The work's cursor names the one that counts, and
 * keeps it from being collected (db/blobs/references.ts).
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { dropBlobs } from '@/db/blobs/collector';
import { darkroomHome } from '@/db/client';
import { AppError } from '@/lib/errors';
import { parseSafetensors, serializeSafetensors } from '@/trainer/formats/safetensors';
import type { TrainState } from '@/trainer/methods/optimizer/optimizer';
import { stateOfTensors, tensorsOfState } from '@/trainer/methods/optimizer/state-tensors';

/** What a cursor says of the checkpoint that counts. */
const checkpointSchema = z.object({
  /** Steps of the training taken; each may be several of the optimizer's. */
  step: z.number().int().nonnegative(),
  /** Of the blob. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type Checkpoint = z.infer<typeof checkpointSchema>;

/**
 * Stores a checkpoint durably and returns what the cursor has to say of it. @param step of the
 * training, steps taken
 */
export async function writeCheckpoint(
  roundId: string,
  step: number,
  state: TrainState,
): Promise<Checkpoint> {
  const metadata = { round: roundId, step: String(state.step) };
  return { step, sha256: await putBlob(serializeSafetensors(tensorsOfState(state), metadata)) };
}

/**
 * The state that a cursor names and the steps taken, or null where it names none or its blob is
 * gone: training then starts over, to the same result. Throws 'data-corrupt' on other bytes than
 * were written; they are set aside, so that trying again starts over.
 */
export async function readCheckpoint(
  cursor: unknown,
): Promise<{ step: number; state: TrainState } | null> {
  if (cursor === null) return null;
  const { step, sha256 } = checkpointSchema.parse(cursor);
  const bytes = await getBlob(sha256).catch((cause: unknown) => {
    const code = cause instanceof AppError ? cause.code : null;
    if (code === 'not-found') return null;
    if (code !== 'data-corrupt') throw cause;
    throw new AppError(
      'data-corrupt',
      `The checkpoint ${sha256.slice(0, 12)} of step ${step} is damaged, and was set aside. Try the round again: training then starts over from the same answers, to the same result.`,
      { cause },
    );
  });
  if (!bytes) return null;
  const { tensors, metadata } = parseSafetensors(bytes, `The checkpoint ${sha256}`);
  return { step, state: stateOfTensors(tensors, Number(metadata.step)) };
}

/**
 * Drops the checkpoint of a cursor that no longer counts; one that some round goes on from stays.
 */
export async function dropCheckpoint(cursor: unknown): Promise<void> {
  const checkpoint = checkpointSchema.safeParse(cursor);
  if (!checkpoint.success) return;
  await dropBlobs([{ hash: checkpoint.data.sha256, storedUntil: Date.now() }]);
}

/**
 * Brings checkpoints of earlier versions, files under `checkpoints/ROUND/`, to the blobs; cursors
 * know them by the same hash. What no cursor knows is collected there like any other blob.
 */
export async function adoptCheckpoints(): Promise<void> {
  const folder = join(darkroomHome(), 'checkpoints');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names.filter((one) => one.endsWith('.safetensors'))) {
    await putBlob(await readFile(join(folder, name)));
  }
  await rm(folder, { recursive: true, force: true });
}
