/**
 * @file The rendered training images, drawn once into one file: 12,288 bytes each, in the order of
 * their seeds.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createRandom } from '@/trainer/random';
import type { HandTruth } from '../world/attributes';
import { IMAGE_SIZE } from '../world/draw';
import { renderHand, WORLD_RATES } from '../world/render';
import { drawTruth } from '../world/scene';

export const IMAGE_BYTES = IMAGE_SIZE * IMAGE_SIZE * 3;

export interface Dataset {
  count: number;
  /** Image `index`: RGB, 64x64x3. Shares the data set's memory. */
  image(index: number): Uint8Array;
  truth(index: number): HandTruth;
}

/**
 * Opens the images of the seeds `firstSeed` to `firstSeed + count - 1`, drawing them first where
 * the file is missing.
 * @param report called now and then with the images drawn so far
 */
export function openDataset(
  path: string,
  firstSeed: number,
  count: number,
  report: (drawn: number) => void = () => {},
): Dataset {
  if (!existsSync(path) || statSync(path).size !== count * IMAGE_BYTES) {
    const file = openSync(`${path}.part`, 'w');
    for (let index = 0; index < count; index++) {
      writeSync(file, renderHand(firstSeed + index).pixels);
      if (index % 5000 === 0) report(index);
    }
    closeSync(file);
    renameSync(`${path}.part`, path);
  }
  const bytes = readFileSync(path);
  return {
    count,
    image: (index) => bytes.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES),
    truth: (index) => drawTruth(createRandom(firstSeed + index), WORLD_RATES),
  };
}
