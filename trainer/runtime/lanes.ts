/** @file How many lanes a network is worth, and how they share a batch. */
import { totalmem } from 'node:os';
import type { Graph } from '@/trainer/graph/model';
import { concatenated, elementBytes, sizeOf } from '@/trainer/graph/tensor';
import type { Engine } from './engine';

/**
 * A lane holds its own copy of the weights, and what a run needs besides: up to a gigabyte for the
 * built-in policy.
 */
const mostLanes = 4;
const memoryBytesPerLane = 2 * 2 ** 30;

/**
 * Weights, in bytes, above which one lane is best: its operators are large enough to keep all
 * threads busy, and memory is better spent on one large run.
 */
const mostWeightBytes = 64 * 2 ** 20;

/** Lanes for a network of which `useful` runs can be made at a time. */
export function lanesFor(
  engine: Engine,
  network: Graph,
  useful: number,
): Promise<readonly Engine[]> {
  let bytes = 0;
  for (const { dtype, dims } of network.constants.values()) {
    bytes += sizeOf(dims) * elementBytes(dtype);
  }
  const room = Math.floor(totalmem() / memoryBytesPerLane);
  return engine.lanes(bytes > mostWeightBytes ? 1 : Math.min(useful, mostLanes, room));
}

/**
 * A batch of images divided among lanes. Each takes as many as any other, so that an image comes
 * out the same bits in each; where they do not come out even, the last has room left.
 */
export class Division {
  /** Images of a lane. */
  readonly rows: number;
  /** Lanes that have any. */
  readonly lanes: number;

  constructor(
    readonly images: number,
    most: number,
  ) {
    this.rows = Math.ceil(images / most);
    this.lanes = Math.ceil(images / this.rows);
  }

  /** A lane's part of a tensor with a row for every image; zeros where there is room left. */
  share(batch: Float32Array, lane: number): Float32Array {
    if (this.lanes === 1) return batch;
    const length = (this.rows * batch.length) / this.images;
    const own = new Float32Array(length);
    own.set(batch.subarray(lane * length, (lane + 1) * length));
    return own;
  }

  /** The batch again, from what every lane made of its part. */
  whole(parts: readonly Float32Array[]): Float32Array {
    const filled = concatenated(parts);
    return filled.subarray(0, (filled.length / (this.rows * this.lanes)) * this.images);
  }
}
