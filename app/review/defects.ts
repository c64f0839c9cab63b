import { type FlagSource, flagDescriptions } from '@/lib/flags';
import { type CountedKind, countedKinds } from '@/lib/judges/judging';
import type { RatesView } from '../api/review/schema';

/** How the defects are drawn that are followed from version to version. */
const looks: Record<CountedKind, { dot: string; whisker: string }> = {
  hand: { dot: 'bg-chart-1', whisker: 'bg-chart-1/50' },
  nsfw: { dot: 'bg-chart-2', whisker: 'bg-chart-2/50' },
};

export interface Defect {
  kind: CountedKind;
  name: string;
  dot: string;
  whisker: string;
}

/**
 * Those of which a source says something, in its words: people may flag all, a judge what it looks
 * for.
 */
export function defectsBy(source: FlagSource, judged: RatesView['judged']): Defect[] {
  const flagged = countedKinds.map((kind) => ({ kind, label: flagDescriptions[kind].label }));
  const named = source === 'annotator' ? flagged : judged;
  return named.map(({ kind, label }) => ({ kind, name: label, ...looks[kind] }));
}
