/**
 * Numbers from PyTorch to be matched: a small set lies in tests/fixtures; DARKROOM_GOLDEN names a
 * larger one.
 */
import { fileURLToPath } from 'node:url';
import type { Tensor } from '@/trainer/graph/tensor';

const fixtures = fileURLToPath(new URL('../fixtures/golden', import.meta.url));

/** The folder of golden numbers. */
export const goldenFolder = process.env.DARKROOM_GOLDEN ?? fixtures;

/** Largest absolute difference, relative to the largest magnitude of `wanted`. */
export function worstRelativeError(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < wanted.length; i++) {
    const gap = Math.abs(got[i]! - wanted[i]!);
    difference = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(difference, gap);
    magnitude = Math.max(magnitude, Math.abs(wanted[i]!));
  }
  return magnitude === 0 ? difference : difference / magnitude;
}

/** A named tensor of a golden file as float32 or int64 data; throws when the file lacks it. */
export function goldenTensor(tensors: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const value = tensors.get(name);
  if (!value) throw new Error(`The golden file lacks "${name}": it has ${[...tensors.keys()]}.`);
  return value;
}
