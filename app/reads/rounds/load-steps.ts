import { timestepMeans } from '@/db/figures/timestep-means';
import { trainStepsOf } from '@/db/rounds/metrics';
import type { StepsView } from '../../api/rounds/schema';
import { thinned } from './thinned';

/** More points than a chart has pixels help nobody. */
const pointsMax = 600;

/** A round's curves: over its steps, and over the timesteps they were taken at. */
export async function loadSteps(roundId: string): Promise<StepsView> {
  const steps = await trainStepsOf(roundId);
  return {
    steps: thinned(
      steps.map(({ step, timestep, metrics }) => ({ step, timestep, metrics })),
      pointsMax,
    ),
    byTimestep: await timestepMeans(roundId),
  };
}
