/**
 * @file Checkpoints of pre-training: one safetensors file per stage, replaced atomically, so that a
 * kill costs a minute.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { readSafetensors, serializeSafetensors } from '@/trainer/formats/safetensors';
import type { Tensor } from '@/trainer/graph/tensor';

export interface Checkpoint {
  /** Steps done. */
  step: number;
  state: Map<string, Tensor>;
}

/** Writes to a temporary file, syncs it and renames it over the last one. */
export function writeAtomically(path: string, bytes: Uint8Array): void {
  const file = openSync(`${path}.part`, 'w');
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.part`, path);
}

export function saveCheckpoint(path: string, { step, state }: Checkpoint): void {
  writeAtomically(path, serializeSafetensors(state, { step: String(step) }));
}

/** The checkpoint at `path`, or undefined where there is none yet. */
export async function loadCheckpoint(path: string): Promise<Checkpoint | undefined> {
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = await readSafetensors(path);
  const step = Number(metadata.step);
  if (!Number.isSafeInteger(step)) {
    throw new Error(`${path} says step "${metadata.step}"; delete it to start this stage again.`);
  }
  return { step, state: tensors };
}
