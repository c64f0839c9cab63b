import { timestepMeans } from '@/db/figures/timestep-means';
import { trainStepsOf } from '@/db/rounds/metrics';
import { getRound, roundsUpTo } from '@/db/rounds/rounds';
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

/** So many rounds of a run stand on one axis, up to the one that is shown. */
const roundsMax = 24;

/** The same over the rounds of a run up to this one, whose steps go on counting. */
export async function loadRunSteps(roundId: string): Promise<StepsView> {
  const rounds = await roundsUpTo(await getRound(roundId), roundsMax);
  const all: StepsView['steps'] = [];
  const starts: NonNullable<StepsView['starts']> = [];
  let x = 0;
  for (const { id, ordinal } of rounds) {
    const steps = await trainStepsOf(id);
    if (steps.length === 0) continue;
    starts.push({ ordinal, x });
    all.push(...steps.map(({ step, metrics }) => ({ step: x + step, timestep: null, metrics })));
    x += steps.at(-1)!.step + 1;
  }
  return { steps: thinned(all, pointsMax), byTimestep: await timestepMeans(roundId), starts };
}
