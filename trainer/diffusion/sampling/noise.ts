/**
 * @file Gaussian noise that a label determines, so that a sample can be drawn again bit for bit.
 * The uniform bits are AES-256 in counter mode under the label's hash; Box and Muller make them
 * normal.
 */
import { createCipheriv, createHash } from 'node:crypto';

/**
 * `count` independent draws from N(0, 1); the same label gives the same draws, different labels
 * unrelated ones.
 */
export function gaussianNoise(label: string, count: number): Float32Array {
  const key = createHash('sha256').update(label).digest();
  const pairs = Math.ceil(count / 2);
  const stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  const bits = stream.update(new Uint8Array(pairs * 8));
  const noise = new Float32Array(count);
  for (let pair = 0; pair < pairs; pair++) {
    // In (0, 1]: the logarithm of 0 would be infinite.
    const uniform = (bits.readUInt32LE(pair * 8) + 1) / 0x1_0000_0000;
    const angle = (2 * Math.PI * bits.readUInt32LE(pair * 8 + 4)) / 0x1_0000_0000;
    const radius = Math.sqrt(-2 * Math.log(uniform));
    noise[pair * 2] = radius * Math.cos(angle);
    if (pair * 2 + 1 < count) noise[pair * 2 + 1] = radius * Math.sin(angle);
  }
  return noise;
}

/** x_T of a sample. Samples of one seed start from the same. */
export function startingNoise(seed: number, count: number): Float32Array {
  return gaussianNoise(`x_T ${seed}`, count);
}

/** The steps of a sample at which it has noise of its own. */
export interface NoiseWindow {
  first: number;
  steps: number;
}

/**
 * z of one step of a sample where it shares it with all samples of its x_T outside a window of
 * steps.
 */
export function windowedNoise(
  { seed, noiseSeed, window }: { seed: number; noiseSeed: number; window?: NoiseWindow },
  step: number,
  count: number,
): Float32Array {
  const shared = window && (step < window.first || step >= window.first + window.steps);
  return stepNoise(shared ? seed : noiseSeed, step, count);
}

/** z of one step of a sample (0 is the first). */
export function stepNoise(noiseSeed: number, step: number, count: number): Float32Array {
  return gaussianNoise(`z ${noiseSeed} ${step}`, count);
}
