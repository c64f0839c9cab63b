import { annotatorReports } from '@/db/figures/annotators';
import { isTooFast } from '@/lib/statistics/annotators';
import type { AnnotatorsQuery, AnnotatorsView } from '../../api/review/schema';

/** Those who have judged, a page of them, with figures that come with their counts. */
export async function loadAnnotators(query: AnnotatorsQuery = {}): Promise<AnnotatorsView> {
  const { annotators, ...rest } = await annotatorReports(query);
  return {
    annotators: annotators.map(({ person, figures, skipped, undone, flagged }) => {
      const { sideBias: side, ...others } = figures;
      const { id, name, role, pausedAt, lastActiveAt } = person;
      return {
        id,
        name,
        role,
        paused: pausedAt !== null,
        lastActiveAt,
        ...others,
        tooFast: isTooFast(figures.decisionMs),
        side,
        skipped,
        undone,
        flagged,
      };
    }),
    ...rest,
  };
}
