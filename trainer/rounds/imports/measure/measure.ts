/**
 * @file What a pipeline takes on this machine: seconds and memory, for drawing and for each method,
 * each in an engine of its own, so that one's memory is not another's.
 */
import { availableParallelism, cpus, hostname, totalmem } from 'node:os';
import { type Method, methodNames } from '@/lib/methods';
import {
  bytesText,
  type ImportOptions,
  type MeasuredSize,
  type Measurement,
} from '@/lib/pipeline-imports';
import type { ImageSize } from '@/lib/settings/image-sizes';
import { resizedTo } from '@/trainer/diffusion/images/sizes';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import type { Engine } from '@/trainer/runtime/engine';
import { EngineDiedError } from '@/trainer/runtime/errors';
import { triedPrompts } from '../networks';
import { type Bench, defaults, type Taken } from './bench';
import { measureDrawing } from './drawing';
import { measureMethod } from './methods';

/** The machine as a page names it. */
export function machineText(device: string): { machine: string; memoryBytes: number } {
  const [cpu] = cpus();
  const cores = availableParallelism();
  return {
    machine: `${hostname()}: ${device}, ${cores} cores of ${cpu?.model.trim() || 'a processor without a name'}`,
    memoryBytes: totalmem(),
  };
}

export interface Measuring {
  engine: Engine;
  pipeline: Pipeline;
  signal: AbortSignal;
  /** In pixels; none: the pipeline's own. */
  sizes: readonly ImageSize[];
  what: ImportOptions['measure'];
  /** What was measured before a kill. */
  measured: readonly MeasuredSize[];
  note: (done: number, total: number) => Promise<void>;
  keep: (measured: MeasuredSize[]) => Promise<void>;
}

/** Measures at every size, keeping what each measurement gave. */
export async function measureSizes(measuring: Measuring): Promise<MeasuredSize[]> {
  const { engine, pipeline, sizes, what, note, keep } = measuring;
  if (what === 'none') return [];
  const own = imageSizeOf(pipeline);
  const asked = sizes.length > 0 ? sizes : [own];
  const methods = what === 'all' ? methodNames : [];
  const each = 1 + methods.length;
  const total = asked.length * each;
  const conditioning = await openConditioning(engine, pipeline);
  const { emptyContext } = conditioning.options;
  const context = await conditioning.encode(triedPrompts[0]);
  await conditioning.release();
  const done: MeasuredSize[] = [...measuring.measured];
  for (const [i, size] of asked.entries()) {
    await note(i * each, total);
    const resized = await resizedTo(pipeline, size);
    const bench = { pipeline: resized, context, emptyContext, config: defaults };
    // Drawing comes first, also after a kill: what methods take is reckoned with it.
    let stepSeconds = 0;
    const drawing = await measured(measuring, async (fresh) => {
      const taken = await measureDrawing({ ...bench, engine: fresh, stepSeconds: 0 });
      stepSeconds = taken.stepSeconds;
      return taken;
    });
    const before = done[i]?.methods ?? [];
    const current: MeasuredSize = { ...size, drawing, methods: [...before] };
    done[i] = current;
    await keep(done);
    for (const method of methods.slice(before.length)) {
      await note(i * each + 1 + current.methods.length, total);
      current.methods.push({
        method,
        ...(await ofMethod(measuring, method, { ...bench, stepSeconds })),
      });
      await keep(done);
    }
  }
  return done;
}

function ofMethod(measuring: Measuring, method: Method, bench: Omit<Bench, 'engine'>) {
  return measured(measuring, (engine) => measureMethod({ ...bench, engine }, method));
}

/** Runs a measurement in an engine of its own. What it cannot do is told in its place. */
async function measured(
  { engine, signal }: Measuring,
  run: (engine: Engine) => Promise<Taken>,
): Promise<Measurement> {
  signal.throwIfAborted();
  const fresh = await engine.another();
  const stop = () => fresh.close();
  signal.addEventListener('abort', stop);
  try {
    const { of, seconds } = await run(fresh);
    return { of, seconds, peakBytes: fresh.memory.peakRssBytes, problem: null };
  } catch (thrown) {
    signal.throwIfAborted();
    const { peakRssBytes } = fresh.memory;
    const problem =
      thrown instanceof EngineDiedError
        ? `Its process was ended; it had taken ${bytesText(peakRssBytes)}, most likely more than this machine can give.`
        : (thrown as Error).message;
    return { of: '', seconds: null, peakBytes: null, problem };
  } finally {
    signal.removeEventListener('abort', stop);
    await fresh.close();
  }
}
