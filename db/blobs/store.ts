import { createHash } from 'node:crypto';

/** Lower-case hexadecimal sha256. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export interface BlobStat {
  bytes: number;
}

/**
 * Bytes under their sha256: images, trajectories, adapters, models, checkpoints. A blob is never
 * changed and never half-written. What nobody points to is dropped by collector.ts, under the lock
 * that keeps rows from pointing to it meanwhile. All but `put` throw 'bad-request' on what is no
 * sha256.
 */
export interface BlobStore {
  /**
   * Stores bytes durably and returns their hash. Storing them again heals a blob that is damaged,
   * and else only renews its date, by which the collector knows that a row may be about to point to
   * it. Throws 'storage-full'.
   */
  put(bytes: Uint8Array): Promise<string>;
  /**
   * Reads a blob and checks it against its name. One that holds other bytes is set aside, so that
   * storing the right ones again is all it takes. Throws 'not-found' or 'data-corrupt'.
   */
  get(hash: string): Promise<Uint8Array>;
  /** Null where there is none, or it cannot be looked at. */
  stat(hash: string): Promise<BlobStat | null>;
  /**
   * Its bytes as they lie there, unchecked and left alone whatever they are. Fails with ENOENT
   * where there is none.
   */
  stream(hash: string): AsyncIterable<Uint8Array>;
}
