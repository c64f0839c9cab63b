/** @file All that a folder of reference numbers may hold, in the order of the layers they test. */
import type { Engine } from '@/trainer/runtime/engine';
import { adamWCases } from './adamw';
import { scheduleCases } from './families/schedules';
import { networkCases } from './networks';
import { noiseCases } from './noise';
import { operatorCases } from './ops';
import { pipelineCases } from './pipeline';
import type { ParityCase } from './report';
import { rewardCases } from './rewards';
import { rolloutCases } from './rollouts';
import { transitionCases } from './transitions';

export const groups = {
  operators: operatorCases,
  networks: networkCases,
  pipeline: pipelineCases,
  schedules: scheduleCases,
  transitions: transitionCases,
  rollouts: rolloutCases,
  noise: noiseCases,
  rewards: rewardCases,
  adamW: adamWCases,
} as const;

export async function allCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const found: ParityCase[] = [];
  for (const casesOf of Object.values(groups)) found.push(...(await casesOf(engine, folder)));
  return found;
}
