import { and, count, desc, eq, gte, inArray, isNull } from 'drizzle-orm';
import { acceptsPreferences, roundStates } from '@/lib/rounds';
import { db } from './client';
import { ownReadingsIn } from './group-answers';
import { pairs, preferences } from './schema/labels';
import { rounds, runs } from './schema/rounds';

/** Counts of answers that stand, to pairs and to groups. `round` is the one being labeled, null when there is none. */
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

/** What one person has done and how far the round is. `dayStartMs`: midnight where the person is. */
export async function labelProgress(
  annotatorId: string,
  { dayStartMs }: { dayStartMs: number },
): Promise<LabelProgress> {
  const own = and(eq(preferences.annotatorId, annotatorId), isNull(preferences.supersededAt));
  const round = db()
    .select({
      id: rounds.id,
      ordinal: rounds.ordinal,
      progress: rounds.progress,
      config: rounds.config,
    })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        inArray(rounds.state, roundStates.filter(acceptsPreferences)),
        eq(rounds.paused, false),
        eq(runs.status, 'active'),
      ),
    )
    .orderBy(desc(rounds.createdAt))
    .limit(1)
    .get();
  const total = db().select({ n: count() }).from(preferences).where(own).get();
  const today = db()
    .select({ n: count() })
    .from(preferences)
    .where(and(own, gte(preferences.createdAt, dayStartMs)))
    .get();
  const inRound =
    round &&
    db()
      .select({ n: count() })
      .from(preferences)
      .innerJoin(pairs, eq(pairs.id, preferences.pairId))
      .where(and(own, eq(pairs.roundId, round.id)))
      .get();
  const read = ownReadingsIn(db(), annotatorId, { since: dayStartMs, roundId: round?.id ?? null });
  return {
    own: {
      today: (today?.n ?? 0) + read.recent,
      round: (inRound?.n ?? 0) + read.round,
      total: (total?.n ?? 0) + read.total,
    },
    round: round
      ? {
          id: round.id,
          ordinal: round.ordinal,
          of: round.config.sampling.pairSource,
          labeled: round.progress.labeled,
          wanted: round.progress.preferencesWanted,
        }
      : null,
  };
}
