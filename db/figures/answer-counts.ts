import { and, count, countDistinct, desc, eq, gte, isNotNull, isNull, min } from 'drizzle-orm';
import { type Answer, answers } from '@/lib/answers';
import { db } from '../client';
import { pairs, preferences } from '../schema/labels';
import { user } from '../schema/people';

/** Standing answers to a round's training pairs, counted while they come in. */
export interface AnswerCounts {
  byAnswer: Record<Answer, number>;
  /** Of these, by annotators who are paused: whose, and how many; most first. */
  heldBack: { name: string; answers: number }[];
  annotators: number;
  /**
   * Answers since `recentSince`, and the instant of the first of them, ms; null when there are
   * none.
   */
  recent: { count: number; firstAt: number | null };
}

/**
 * What people have answered in a round so far. `recentSince` in ms is where its pace is measured
 * from.
 */
export async function answerCounts(
  roundId: string,
  { recentSince }: { recentSince: number },
): Promise<AnswerCounts> {
  const standing = and(
    eq(pairs.roundId, roundId),
    eq(pairs.purpose, 'training'),
    isNull(preferences.supersededAt),
  );
  const rows = db()
    .select({ answer: preferences.answer, n: count() })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .where(standing)
    .groupBy(preferences.answer)
    .all();
  const heldBack = db()
    .select({ name: user.name, answers: count() })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(and(standing, isNotNull(user.pausedAt)))
    .groupBy(user.id)
    .orderBy(desc(count()), user.name)
    .all();
  const people = db()
    .select({ n: countDistinct(preferences.annotatorId) })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .where(standing)
    .get();
  const recent = db()
    .select({ count: count(), firstAt: min(preferences.createdAt) })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .where(and(standing, gte(preferences.createdAt, recentSince)))
    .get();
  const of = (answer: Answer) => rows.find((row) => row.answer === answer)?.n ?? 0;
  return {
    byAnswer: Object.fromEntries(answers.map((answer) => [answer, of(answer)])) as Record<
      Answer,
      number
    >,
    heldBack,
    annotators: people?.n ?? 0,
    recent: recent ?? { count: 0, firstAt: null },
  };
}
