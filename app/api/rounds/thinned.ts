import type { TrainMetrics } from '@/lib/metrics';
import type { TrainStepView } from './schema';

/**
 * At most `pointsMax` points of a curve: neighbours are averaged, so that a spike stays visible as a
 * bump where dropping points might lose it. Each point stands at the last of its steps.
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
  const keys = Object.keys(all[0]!) as (keyof TrainMetrics)[];
  const means = keys.map((key) => {
    const values = all.map((metrics) => metrics[key]).filter((value) => value !== undefined);
    return [key, values.reduce((sum, value) => sum + value, 0) / values.length];
  });
  return Object.fromEntries(means) as TrainMetrics;
}
