/**
 * @file What a figure works at: an engine of its own that counts, and what of the policy is
 * trained.
 */
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { type OpenedConditioning, openConditioning } from '@/trainer/methods/policy/conditioning';
import { type FeatureNetworks, openFeatureNetworks } from '@/trainer/rewards/learned/features';
import { Engine } from '@/trainer/runtime/engine';
import type { Device } from '@/trainer/runtime/protocol';
import { experiments } from '../experiment/catalogue';
import { openStudent, type Student, type TrainingSettings } from '../experiment/student';
import { countPasses, type Passes } from './picks/passes';

/**
 * What the first 50 picks are trained with, in half as many steps: everything takes half as long.
 */
export const studentSettings: TrainingSettings = { ...experiments.picks.training, steps: 10 };

/** A fresh engine with what trains in it. */
export interface Desk {
  engine: Engine;
  student: Student;
  conditioning: OpenedConditioning;
  /** Passes of the policy's UNet since the engine was opened. */
  passes(): Passes;
  encode(prompt: string): Promise<Conditioning>;
}

/** What a piece of work took, with all that was opened for it. */
export interface Effort {
  seconds: number;
  passes: Passes;
  /** Highest resident memory of the engine, bytes. */
  peakBytes: number;
}

let networks: Promise<FeatureNetworks> | undefined;

/** The frozen networks that learned rewards look through; read once. */
export function featureNetworks(pipeline: Pipeline): Promise<FeatureNetworks> {
  networks ??= openFeatureNetworks(pipeline);
  return networks;
}

/** Does a piece of work in an engine of its own, and says what it took. */
export async function atDesk<T>(
  { pipeline, device }: { pipeline: Pipeline; device: Device },
  work: (desk: Desk) => Promise<T>,
): Promise<{ result: T; effort: Effort }> {
  const start = performance.now();
  // One lane: passes are counted and memory is measured in one process.
  const engine = await Engine.open({ device, lanes: 1 });
  try {
    const passes = countPasses(engine);
    const student = openStudent(engine, pipeline, studentSettings);
    const conditioning = await openConditioning(engine, pipeline);
    const known = new Map<string, Promise<Conditioning>>();
    const encode = (prompt: string) => {
      const found = known.get(prompt) ?? conditioning.encode(prompt);
      known.set(prompt, found);
      return found;
    };
    const result = await work({ engine, student, conditioning, passes, encode });
    const seconds = (performance.now() - start) / 1000;
    const { peakRssBytes } = engine.memory;
    return { result, effort: { seconds, passes: passes(), peakBytes: peakRssBytes } };
  } finally {
    await engine.close();
  }
}
