import { and, isNull, lte } from 'drizzle-orm';
import { annotatorErrorRates, labelError, type Votes } from '@/lib/statistics/reliability';
import { judgedPairs } from './annotators';
import { preferences } from './schema/labels';
import { user } from './schema/people';
import type { rounds } from './schema/rounds';
import type { Transaction } from './transaction';

/**
 * How likely the label that some votes make is wrong, by the round's settings; in [0, 0.5). Annotators are known by
 * all their answers up to `until`, of whatever round and purpose; those who are paused are left out.
 */
export function labelDoubt(
  tx: Transaction,
  { config }: typeof rounds.$inferSelect,
  until: number,
): (votes: Votes) => number {
  const { labelSmoothing, labelErrorRate } = config.labeling;
  switch (labelSmoothing) {
    case 'none':
      return () => 0;
    case 'fixed':
      return () => labelErrorRate;
    case 'reliability': {
      const judged = judgedPairs(tx, and(lte(preferences.createdAt, until), isNull(user.pausedAt)));
      const errorRates = annotatorErrorRates(judged, labelErrorRate);
      return (votes) => labelError(votes, errorRates);
    }
  }
}
