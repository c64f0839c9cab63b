/**
 * @file Answers of paused people are held back: they fill no pair and count for no round. Pausing
 * somebody opens the pairs again of which nobody else has said anything; one that others have
 * judged too stays as it is, so that no round waits for a full count. Resuming counts those
 * answers, however many others have come meanwhile.
 */
import { and, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { recountComparisons } from '../comparisons/end';
import { stateNow } from '../leases/next-pair';
import { labelingStates } from '../leases/open-rounds';
import { countAnswers } from '../rounds/answers';
import { noteLook } from '../rounds/look';
import { mergeProgress } from '../rounds/rounds';
import { roundIn } from '../rounds/rows';
import { groups, pairs, preferences, taggings } from '../schema/labels';
import { rounds } from '../schema/rounds';
import { all, change, type Steps, type Transaction } from '../transaction';

/**
 * Within the decision that pauses or resumes a person: what their answers fill in rounds being
 * labeled, and how many count.
 */
export function* recountFor(tx: Transaction, annotatorId: string, now: number): Steps<void> {
  for (const { id } of yield* roundsAnsweredBy(tx, annotatorId)) {
    const answered = sql`exists (select 1 from ${preferences} where ${preferences.pairId} = ${pairs.id}
      and ${preferences.annotatorId} = ${annotatorId} and ${preferences.supersededAt} is null)`;
    yield* change(
      tx
        .update(pairs)
        .set({ state: stateNow })
        .where(
          and(
            eq(pairs.roundId, id),
            ne(pairs.purpose, 'evaluation'),
            inArray(pairs.state, ['open', 'complete']),
            answered,
          ),
        ),
    );
    const round = yield* roundIn(tx, id);
    yield* mergeProgress(tx, round, { labeled: yield* countAnswers(tx, round) }, now);
    yield* noteLook(tx, id, now);
  }
  yield* recountComparisons(tx, annotatorId, now);
}

function* roundsAnsweredBy(tx: Transaction, annotatorId: string): Steps<{ id: string }[]> {
  const answered = tx
    .select({ id: pairs.id })
    .from(pairs)
    .innerJoin(preferences, eq(preferences.pairId, pairs.id))
    .where(
      and(
        eq(pairs.roundId, rounds.id),
        eq(preferences.annotatorId, annotatorId),
        isNull(preferences.supersededAt),
      ),
    );
  const tagged = tx
    .select({ id: groups.id })
    .from(groups)
    .innerJoin(taggings, eq(taggings.groupId, groups.id))
    .where(
      and(
        eq(groups.roundId, rounds.id),
        eq(taggings.annotatorId, annotatorId),
        isNull(taggings.supersededAt),
      ),
    );
  return yield* all(
    tx
      .select({ id: rounds.id })
      .from(rounds)
      .where(
        and(inArray(rounds.state, labelingStates), sql`(exists ${answered} or exists ${tagged})`),
      ),
  );
}
