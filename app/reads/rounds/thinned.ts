import type { TrainMetrics } from '@/lib/metrics';
import type { TrainStepView } from '../../api/rounds/schema';

/**
 * At most `pointsMax` points of a curve: neighbours are averaged, so that a spike stays visible as
 * a bump where dropping points might lose it. Each point stands at the last of its steps.
 */
export function thinned(steps: readonly TrainStepView[], pointsMax: number): TrainStepView[] {
  if (steps.length <= pointsMax) return [...steps];
  const perPoint = Math.ceil(steps.length / pointsMax);
  return Array.from({ length: Math.ceil(steps.length / perPoint) }, (_, i) => {
    const some = steps.slice(i * perPoint, (i + 1) * perPoint);
    return { ...some.at(-1)!, metrics: meanMetrics(some.map(({ metrics }) => metrics)) };
  });
}

function meanMetrics(all: readonly TrainMetrics[]): TrainMetrics {
  const parts = all.flatMap(({ rewardParts }) => (rewardParts ? [rewardParts] : []));
  return {
    ...meanOf(all.map(({ rewardParts: _, ...numbers }) => numbers)),
    ...(parts.length > 0 && { rewardParts: meanOf(parts) }),
  } as TrainMetrics;
}

/** The mean of each number over those that have it. */
function meanOf(all: readonly Record<string, number | undefined>[]): Record<string, number> {
  const means = Object.keys(all[0]!).map((key) => {
    const values = all.map((one) => one[key]).filter((value) => value !== undefined);
    return [key, values.reduce((sum, value) => sum + value, 0) / values.length];
  });
  return Object.fromEntries(means);
}
