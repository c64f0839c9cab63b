/** @file How many lanes a network is worth. */
import { totalmem } from 'node:os';
import type { Graph } from '@/trainer/graph/model';
import { elementBytes, sizeOf } from '@/trainer/graph/tensor';
import type { Engine } from './engine';

/** A lane holds its own copy of the weights, and what a run needs besides: up to a gigabyte for the built-in policy. */
const mostLanes = 4;
const memoryBytesPerLane = 2 * 2 ** 30;

/**
 * Weights, in bytes, above which one lane is best: its operators are large enough to keep all threads busy, and memory is
 * better spent on one large run.
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
