import { and, count, eq, gte, inArray, isNull, sql } from 'drizzle-orm';
import { ownReadings } from '../leases/group-answers';
import { labelingOf, labelingStates, roundIsOpen } from '../leases/open-rounds';
import { tallyOf } from '../leases/tallies';
import { prepared } from '../prepared';
import { preferences } from '../schema/labels';
import { rounds, runs } from '../schema/rounds';
import { read } from '../transaction';

/**
 * Counts of answers that stand, to pairs and to groups. `round` is the one being labeled, null when
 * there is none.
 */
export interface LabelProgress {
  own: { today: number; round: number; total: number };
  round: {
    id: string;
    ordinal: number;
    /** What people judge in it. */
    of: 'pairs' | 'groups';
    labeled: number;
    wanted: number;
  } | null;
}

const roundsLabeled = prepared((database) =>
  database
    .select({
      id: rounds.id,
      ordinal: rounds.ordinal,
      progress: rounds.progress,
      createdAt: rounds.createdAt,
    })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(and(inArray(rounds.state, labelingStates), roundIsOpen))
    .prepare(),
);

const answersSince = prepared((database) =>
  database
    .select({ n: count() })
    .from(preferences)
    .where(
      and(
        eq(preferences.annotatorId, sql.placeholder('annotatorId')),
        isNull(preferences.supersededAt),
        gte(preferences.createdAt, sql.placeholder('since')),
      ),
    )
    .prepare(),
);

/**
 * What one person has done and how far the round is. `dayStartMs`: midnight where the person is.
 */
export async function labelProgress(
  annotatorId: string,
  { dayStartMs }: { dayStartMs: number },
): Promise<LabelProgress> {
  const [round] = roundsLabeled()
    .all()
    .sort((a, b) => b.createdAt - a.createdAt);
  const { answers, inRound } = await read(tallyOf(annotatorId, round?.id ?? null));
  const today = answersSince().get({ annotatorId, since: dayStartMs });
  const readings = ownReadings(annotatorId, { since: dayStartMs, roundId: round?.id ?? null });
  return {
    own: {
      today: (today?.n ?? 0) + readings.recent,
      round: inRound + readings.round,
      total: answers + readings.total,
    },
    round: round
      ? {
          id: round.id,
          ordinal: round.ordinal,
          of: (await read(labelingOf(round.id))).pairSource,
          labeled: round.progress.labeled,
          wanted: round.progress.preferencesWanted,
        }
      : null,
  };
}
