/** @file The rewards that a run can name. The judge of a pipeline is none of them, and this room cannot reach it. */
import type { RunConfig } from '@/lib/settings/run-config';
import { brightness, symmetry } from './analytic';
import type { Reward } from './reward';

export const rewards: Record<RunConfig['reward']['model'], Reward> = { brightness, symmetry };
