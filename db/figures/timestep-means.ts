import { and, count, desc, eq, isNotNull, type SQL, sql } from 'drizzle-orm';
import { type TrainMetrics, trainMetricsSchema } from '@/lib/metrics';
import { db } from '../client';
import { jsonNumber } from '../dialect';
import { trainSteps } from '../schema/rounds';

/** The mean of each metric over all steps of a round at one timestep. */
export interface TimestepMean {
  timestep: number;
  steps: number;
  metrics: TrainMetrics;
}

function meanOf(metric: string): SQL<number | null> {
  return sql<number | null>`avg(${jsonNumber(trainSteps.metrics, metric)})`;
}

/** A reward speaks of whole images: its terms are of no timestep. */
const { rewardParts: _, ...ofTimesteps } = trainMetricsSchema.shape;

const means = Object.fromEntries(
  Object.keys(ofTimesteps).map((metric) => [metric, meanOf(metric)]),
) as Record<keyof typeof ofTimesteps, SQL<number | null>>;

/**
 * How a round's metrics depend on the timestep, the noisiest first; empty before it has trained.
 */
export async function timestepMeans(roundId: string): Promise<TimestepMean[]> {
  const rows = db()
    .select({ timestep: trainSteps.timestep, steps: count(), ...means })
    .from(trainSteps)
    .where(and(eq(trainSteps.roundId, roundId), isNotNull(trainSteps.timestep)))
    .groupBy(trainSteps.timestep)
    .orderBy(desc(trainSteps.timestep))
    .all();
  return rows.map(({ timestep, steps, ...metrics }) => {
    const measured = Object.entries(metrics).filter(([, value]) => value !== null);
    return {
      timestep: timestep!,
      steps,
      metrics: trainMetricsSchema.parse(Object.fromEntries(measured)),
    };
  });
}
