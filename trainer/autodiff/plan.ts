/**
 * @file A training graph within a budget of memory: the least of its forward pass is computed again
 * with which it fits.
 */
import type { Builder } from '@/trainer/graph/builder';
import { type Footprint, footprintOf, peakBytes } from '@/trainer/graph/footprint';
import type { Graph } from '@/trainer/graph/model';
import { MemoryBudgetError } from './memory-budget-error';
import type { Recompute } from './recompute';

/** How finely the share of blocks is searched; each try builds the graph once. */
const tries = 4;

export interface Planned {
  graph: Graph;
  recompute: Recompute;
  footprint: Footprint;
}

/**
 * @param build appends everything, its outputs too, and computes again as much as it is told
 * @param mostBytes of values and weights at the peak of a run; without a bound nothing is computed
 *   again
 * @throws MemoryBudgetError where it does not fit whatever is computed again
 */
export function planned(
  build: (recompute: Recompute) => Builder,
  mostBytes = Number.POSITIVE_INFINITY,
): Planned {
  const made = (recompute: Recompute): Planned => {
    const b = build(recompute);
    const graph = b.finish();
    return { graph, recompute, footprint: footprintOf(b, graph) };
  };
  const fits = ({ footprint }: Planned) => peakBytes(footprint) <= mostBytes;
  for (const recompute of ['nothing', 0] as const) {
    const plan = made(recompute);
    if (fits(plan)) return plan;
  }
  let best = made(1);
  if (!fits(best)) throw new MemoryBudgetError(peakBytes(best.footprint), mostBytes);
  let [least, most] = [0, 1];
  for (let i = 0; i < tries; i++) {
    const plan = made((least + most) / 2);
    if (fits(plan)) {
      best = plan;
      most = (least + most) / 2;
    } else least = (least + most) / 2;
  }
  return best;
}

/** The graph alone; without a budget nothing is counted. */
export function withinMemory(
  mostBytes: number | undefined,
  build: (recompute: Recompute) => Builder,
): Graph {
  return mostBytes === undefined ? build('nothing').finish() : planned(build, mostBytes).graph;
}
