/**
 * @file Importing a pipeline from a terminal: asked for like from a page, and done by this process,
 * unless a trainer is faster.
 */
import pino from 'pino';
import { newId } from '@/db/ids';
import { migrateDatabase } from '@/db/migrate';
import {
  cancelPipelineImport,
  getPipelineImport,
  type PipelineImport,
  requestPipelineImport,
} from '@/db/policies/pipeline-imports';
import { type ImportOptions, isBeingImported } from '@/lib/pipeline-imports';
import { pipelineWorkKinds } from '@/lib/work';
import type { ChosenDevice } from '@/trainer/rounds/worker/device';
import { WorkLoop } from '@/trainer/rounds/worker/loop';

/** So often it is looked how far it is. */
const lookEveryMs = 100;

export interface ImportTelling {
  device: ChosenDevice;
  /** How far it is, now and then. */
  told?: (state: PipelineImport) => void;
  /** Cancels the import. */
  signal?: AbortSignal;
}

/**
 * Imports a pipeline and returns the import once it has ended, however it ended: its
 * state and error say so.
 */
export async function importFolder(
  asked: { folder: string; options: ImportOptions },
  { device, told, signal }: ImportTelling,
): Promise<PipelineImport> {
  await migrateDatabase();
  const { id } = await requestPipelineImport({ ...asked, createdBy: null });
  const log = pino({ level: process.env.DARKROOM_LOG ?? 'silent', errorKey: 'error' });
  const stopping = new AbortController();
  const working = new WorkLoop(newId(), pipelineWorkKinds, device, log).run(stopping.signal);
  try {
    for (;;) {
      if (signal?.aborted) await cancelPipelineImport(id, null).catch(() => {});
      const found = await getPipelineImport(id);
      told?.(found);
      if (!isBeingImported(found.state)) return found;
      await Promise.race([new Promise((after) => setTimeout(after, lookEveryMs)), ended(working)]);
    }
  } finally {
    stopping.abort();
    await working;
  }
}

/** Never resolves while the loop works; rejects where it fails. */
function ended(working: Promise<void>): Promise<void> {
  return working.then(() => new Promise(() => {}));
}
