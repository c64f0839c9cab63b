/** @file Where large networks are kept as ONNX Runtime prepares them, and how much of them. */
import { join } from 'node:path';
import { darkroomHome } from '@/db/client';
import { AppError } from '@/lib/errors';
import type { PreparedSettings } from '@/trainer/runtime/prepared/store';

/** Room for Stable Diffusion 1.5's UNet four times: for each shape drawn, and each trained. */
const usualGigabytes = 20;

/** Smaller ones are packed as fast as they are read. */
const leastBytes = 64 * 2 ** 20;

/**
 * `DARKROOM_PREPARED_GB` says how many gigabytes of disk they may take; 0 keeps none.
 *
 * @throws AppError 'bad-request' where it says something else
 */
export function preparedSettings(home = darkroomHome()): PreparedSettings | undefined {
  const told = process.env.DARKROOM_PREPARED_GB || String(usualGigabytes);
  const gigabytes = Number(told);
  if (!(gigabytes >= 0)) {
    throw new AppError(
      'bad-request',
      `DARKROOM_PREPARED_GB is "${told}": give a number of gigabytes, or 0 to keep no prepared networks.`,
    );
  }
  if (gigabytes === 0) return undefined;
  return { folder: join(home, 'prepared'), mostBytes: gigabytes * 1e9, leastBytes };
}
