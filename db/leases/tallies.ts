import { and, count, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { sumOf } from '../dialect';
import { prepared } from '../prepared';
import { pairs, preferences } from '../schema/labels';
import { tallies } from '../schema/tallies';
import { all, change, one, type Steps } from '../transaction';

/**
 * What one person has done: answers that stand, in all and in one round, and by how many pairs
 * sample A stood left more often.
 */
export interface Tally {
  answers: number;
  inRound: number;
  lead: number;
}

const annotatorId = sql.placeholder('annotatorId');
const roundId = sql.placeholder('roundId');

const sumsOf = prepared((database) =>
  database
    .select({
      rows: count(),
      answers: sumOf(tallies.answers),
      inRound: sumOf(sql`case when ${tallies.roundId} = ${roundId} then ${tallies.answers} end`),
      lead: sumOf(tallies.lead),
    })
    .from(tallies)
    .where(eq(tallies.annotatorId, annotatorId))
    .prepare(),
);

const hasTallies = prepared((database) =>
  database
    .select({ roundId: tallies.roundId })
    .from(tallies)
    .where(eq(tallies.annotatorId, annotatorId))
    .limit(1)
    .prepare(),
);

/**
 * Everything counted anew, for those who answered before there were tallies; the sides as they
 * stood in their answers.
 */
const countsOf = prepared((database) =>
  database
    .select({
      roundId: pairs.roundId,
      answers: count(),
      lead: sumOf(
        sql`case when ${preferences.leftSampleId} = ${pairs.sampleAId} then 1 else -1 end`,
      ),
    })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .where(
      and(
        eq(preferences.annotatorId, annotatorId),
        isNull(preferences.supersededAt),
        isNotNull(pairs.roundId),
      ),
    )
    .groupBy(pairs.roundId)
    .prepare(),
);

const addTo = prepared((database) =>
  database
    .insert(tallies)
    .values({
      annotatorId,
      roundId,
      answers: sql.placeholder('answers'),
      lead: sql.placeholder('lead'),
    })
    .onConflictDoUpdate({
      target: [tallies.annotatorId, tallies.roundId],
      set: {
        answers: sql`${tallies.answers} + excluded.answers`,
        lead: sql`${tallies.lead} + excluded.lead`,
      },
    })
    .prepare(),
);

/** What a person has done; `roundId` null where no round is asked for. */
export function* tallyOf(person: string, round: string | null): Steps<Tally> {
  const sums = (yield* one(sumsOf, { annotatorId: person, roundId: round }))!;
  if (sums.rows > 0) return sums;
  const counted = yield* all(countsOf, { annotatorId: person });
  return {
    answers: counted.reduce((sum, row) => sum + row.answers, 0),
    inRound: counted.find((row) => row.roundId === round)?.answers ?? 0,
    lead: counted.reduce((sum, row) => sum + row.lead, 0),
  };
}

/**
 * Within a decision, before it changes what is counted: makes a person's tallies where there are
 * none.
 */
export function* ensureTallies(person: string): Steps<void> {
  if (yield* one(hasTallies, { annotatorId: person })) return;
  for (const counted of yield* all(countsOf, { annotatorId: person })) {
    yield* change(addTo, { annotatorId: person, ...counted });
  }
}

/**
 * Within a decision: adds to what a person has done in a round. Takes away where numbers are
 * negative.
 */
export function* addToTally(
  person: string,
  round: string,
  { answers = 0, lead = 0 }: { answers?: number; lead?: number },
): Steps<void> {
  yield* change(addTo, { annotatorId: person, roundId: round, answers, lead });
}
