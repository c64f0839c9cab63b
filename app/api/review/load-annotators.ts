import { annotatorReports } from '@/db/annotators';
import type { AnnotatorsView } from './schema';

/** Everybody who has judged, with figures that come with their counts. */
export async function loadAnnotators(): Promise<AnnotatorsView> {
  const { annotators, agreement } = await annotatorReports();
  return {
    annotators: annotators.map(({ person, figures, skipped, undone, flagged }) => {
      const { sideBias: side, ...rest } = figures;
      const { id, name, role, pausedAt, lastActiveAt } = person;
      return {
        id,
        name,
        role,
        paused: pausedAt !== null,
        lastActiveAt,
        ...rest,
        side,
        skipped,
        undone,
        flagged,
      };
    }),
    agreement,
  };
}
