/**
 * @file What a worker may take of its machine: disk for large networks as ONNX Runtime prepares
 * them, and memory for a run of training.
 */
import { join } from 'node:path';
import { darkroomHome } from '@/db/client';
import { AppError } from '@/lib/errors';
import type { PreparedSettings } from '@/trainer/runtime/prepared/store';

/** Room for Stable Diffusion 1.5's UNet four times: for each shape drawn, and each trained. */
const usualBytes = 20e9;

/** Smaller ones are packed as fast as they are read. */
const leastBytes = 64 * 2 ** 20;

/**
 * `DARKROOM_PREPARED_GB` says how many gigabytes of disk they may take; 0 keeps none.
 *
 * @throws AppError 'bad-request' where it says something else
 */
export function preparedSettings(home = darkroomHome()): PreparedSettings | undefined {
  const mostBytes = bytesNamed('DARKROOM_PREPARED_GB', 'to keep no prepared networks');
  if (mostBytes === 0) return undefined;
  return { folder: join(home, 'prepared'), mostBytes: mostBytes ?? usualBytes, leastBytes };
}

/**
 * Bytes that a run of training may take at its peak, by `DARKROOM_MEMORY_GB`; undefined for as many
 * as it does.
 *
 * @throws AppError 'bad-request' where it says something else
 */
export function memoryBudget(): number | undefined {
  return bytesNamed('DARKROOM_MEMORY_GB', 'to have no budget') || undefined;
}

function bytesNamed(variable: string, nothing: string): number | undefined {
  const told = process.env[variable];
  if (!told) return undefined;
  const gigabytes = Number(told);
  if (gigabytes >= 0) return gigabytes * 1e9;
  throw new AppError(
    'bad-request',
    `${variable} is "${told}": give a number of gigabytes, or 0 ${nothing}.`,
  );
}
