/**
 * @file A round's trajectories for training: read and checked once, and kept as long as they fit
 * into memory's share.
 */
import type { TrainingPair } from '@/db/answers/training-data';
import { checkedBlob } from '@/db/blobs/checked';
import { AppError } from '@/lib/errors';
import type { RunConfig } from '@/lib/settings/run-config';
import { parseTrajectory, type Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import { BoundedCache } from '../../bounded-cache';
import { rolloutSettings } from '../../draw/draw';

/** 6,000 of the built-in policy's, 90 of Stable Diffusion's with 20 steps. */
const keptBytesMax = 256 * 2 ** 20;

export class Trajectories {
  readonly #kept: BoundedCache<Trajectory>;

  /** @param bytesMax of those that are kept; another is read again when a step needs it */
  constructor(
    private readonly config: RunConfig,
    bytesMax = keptBytesMax,
  ) {
    this.#kept = new BoundedCache(bytesMax);
  }

  /**
   * The trajectory of a sample. Throws where it was drawn without one, or with other settings than
   * the round trains with.
   */
  async of(sample: TrainingPair['winner']): Promise<Trajectory> {
    return this.#kept.get(sample.id, () => this.#read(sample));
  }

  async #read({ id, trajectoryBlob }: TrainingPair['winner']) {
    if (!trajectoryBlob) {
      throw new AppError(
        'unprocessable',
        `Sample ${id} was drawn without its trajectory, so it cannot be trained on. Start a new round.`,
      );
    }
    const bytes = await checkedBlob(trajectoryBlob);
    const value = parseTrajectory(bytes, `The trajectory of sample ${id} (blob ${trajectoryBlob})`);
    const wanted = JSON.stringify(rolloutSettings(this.config));
    const { steps, eta, guidance } = value.settings;
    const found = JSON.stringify({ steps, eta, guidance });
    if (found !== wanted) {
      throw new AppError(
        'unprocessable',
        `Sample ${id} was drawn with ${found}, but the round trains with ${wanted}. Start a new round.`,
      );
    }
    // Its tensors share the memory of the file.
    return { value, bytes: bytes.byteLength };
  }
}
