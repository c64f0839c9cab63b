/**
 * @file What a pipeline takes on this machine: seconds and memory, for drawing and for each method,
 * each in an engine of its own, so that one's memory is not another's.
 */
import { availableParallelism, cpus, hostname, totalmem } from 'node:os';
import type { ImageSize, MeasuredSize } from '@/lib/pipeline-imports';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Engine } from '@/trainer/runtime/engine';

/** The machine as a page names it. */
export function machineText(device: string): { machine: string; memoryBytes: number } {
  const [cpu] = cpus();
  const cores = availableParallelism();
  return {
    machine: `${hostname()}: ${device}, ${cores} cores of ${cpu?.model.trim() || 'a processor without a name'}`,
    memoryBytes: totalmem(),
  };
}

export async function measureSizes(options: {
  engine: Engine;
  pipeline: Pipeline;
  signal: AbortSignal;
  sizes: readonly ImageSize[];
  /** What was measured before a kill. */
  measured: readonly MeasuredSize[];
  note: (done: number, total: number) => Promise<void>;
  keep: (measured: MeasuredSize[]) => Promise<void>;
}): Promise<MeasuredSize[]> {
  return [...options.measured];
}
