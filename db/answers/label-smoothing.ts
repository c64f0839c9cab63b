import { and, asc, eq, gt, isNull, lte } from 'drizzle-orm';
import { preferredSample } from '@/lib/answers';
import type { RunConfig } from '@/lib/settings/run-config';
import {
  annotatorErrorRates,
  type KnownAnswer,
  labelError,
  type Votes,
} from '@/lib/statistics/reliability';
import { db } from '../client';
import { placeOf } from '../dialect';
import { breathe } from '../portions';
import { pairs, preferences } from '../schema/labels';
import { user } from '../schema/people';

const answersPerRead = 2000;

/**
 * How likely the label that some votes make is wrong, by a round's settings; in [0, 0.5).
 * Annotators are known by all their answers up to `until`, of whatever round and purpose; those who
 * are paused are left out.
 */
export async function labelDoubt(
  { labeling: { labelSmoothing, labelErrorRate } }: Pick<RunConfig, 'labeling'>,
  until: number,
): Promise<(votes: Votes) => number> {
  switch (labelSmoothing) {
    case 'none':
      return () => 0;
    case 'fixed':
      return () => labelErrorRate;
    case 'reliability': {
      const errorRates = annotatorErrorRates(await answersUntil(until), labelErrorRate);
      return (votes) => labelError(votes, errorRates);
    }
  }
}

/** Everybody's standing answers, in the order they were stored. */
async function answersUntil(until: number): Promise<KnownAnswer[]> {
  const found: KnownAnswer[] = [];
  const row = placeOf(preferences);
  for (let after = 0; ; ) {
    const rows = db()
      .select({
        row,
        pairId: preferences.pairId,
        annotatorId: preferences.annotatorId,
        answer: preferences.answer,
        leftSampleId: preferences.leftSampleId,
        rightSampleId: preferences.rightSampleId,
        gold: pairs.goldSampleId,
      })
      .from(preferences)
      .innerJoin(pairs, eq(pairs.id, preferences.pairId))
      .innerJoin(user, eq(user.id, preferences.annotatorId))
      .where(
        and(
          gt(row, after),
          lte(preferences.createdAt, until),
          isNull(preferences.supersededAt),
          isNull(user.pausedAt),
        ),
      )
      .orderBy(asc(row))
      .limit(answersPerRead)
      .all();
    for (const { pairId, annotatorId, answer, gold, ...sides } of rows) {
      const verdict = preferredSample(answer, sides) ?? answer;
      found.push({ pairId, annotatorId, answer, gold, verdict });
    }
    if (rows.length < answersPerRead) return found;
    after = (rows.at(-1) as { row: number }).row;
    await breathe();
  }
}
