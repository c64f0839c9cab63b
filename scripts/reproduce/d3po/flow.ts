/**
 * @file The experiments on the rectified-flow twin of `hands`: the same ones, but for the noise.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFlowTwin } from '@/trainer/hands/flow-twin';
import { handsFolder } from '@/trainer/rounds/pipelines/resolve';
import { type Experiment, type ExperimentName, experiments } from '../experiment/catalogue';
import type { Suite } from './suite';

/** Flow-GRPO's (yifan123/flow_grpo `config/base.py`). */
const noiseLevel = 0.7;

/** Writes the twin beside what is kept, and returns its folder. */
export async function flowTwin(work: string): Promise<string> {
  const folder = join(work, 'flow-twin');
  await rm(folder, { recursive: true, force: true });
  await writeFlowTwin(handsFolder, folder);
  return folder;
}

/** The experiments as a suite runs them. */
export function experimentsOf({ flow }: Suite): Record<ExperimentName, Experiment> {
  if (!flow) return experiments;
  const onFlow = Object.entries(experiments).map(([name, one]) => [
    name,
    { ...one, training: { ...one.training, eta: noiseLevel } },
  ]);
  return Object.fromEntries(onFlow);
}
