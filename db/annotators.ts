import { and, asc, count, eq, isNotNull, isNull, type SQL } from 'drizzle-orm';
import { preferredSample } from '@/lib/answers';
import type { Proportion } from '@/lib/metrics';
import {
  type AnnotatorFigures,
  annotatorFigures,
  type JudgedPair,
  overallAgreement,
} from '@/lib/statistics/annotators';
import { db } from './client';
import { flags, pairs, preferences, skips } from './schema/labels';
import { user } from './schema/people';
import type { Transaction } from './transaction';
import { listPeople, type PersonSummary } from './users';

/** A person who has judged, with their figures, and what they skipped, undid and flagged. */
export interface AnnotatorReport {
  person: Pick<PersonSummary, 'id' | 'name' | 'role' | 'pausedAt' | 'lastActiveAt'>;
  figures: AnnotatorFigures;
  skipped: number;
  undone: number;
  flagged: number;
}

/** Everybody's standing answers, in the order they came. @param only which of them: by preference, pair or person */
export function judgedPairs(tx: Transaction, only?: SQL): JudgedPair[] {
  const rows = tx
    .select({
      pairId: preferences.pairId,
      annotatorId: preferences.annotatorId,
      answer: preferences.answer,
      leftSampleId: preferences.leftSampleId,
      rightSampleId: preferences.rightSampleId,
      decisionMs: preferences.decisionMs,
      gold: pairs.goldSampleId,
    })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(and(isNull(preferences.supersededAt), only))
    .orderBy(asc(preferences.createdAt), asc(preferences.id))
    .all();
  return rows.map((row) => ({ ...row, verdict: preferredSample(row.answer, row) ?? row.answer }));
}

function perAnnotator(rows: readonly { id: string | null; n: number }[]): (id: string) => number {
  return (id) => rows.find((row) => row.id === id)?.n ?? 0;
}

/** Everybody who has judged a pair, in the order they came, and how far they agree on the whole. */
export async function annotatorReports(): Promise<{
  annotators: AnnotatorReport[];
  agreement: { raw: Proportion; alpha: number | null };
}> {
  const judged = judgedPairs(db());
  const figures = annotatorFigures(judged);
  const skipped = perAnnotator(
    db().select({ id: skips.annotatorId, n: count() }).from(skips).groupBy(skips.annotatorId).all(),
  );
  const undone = perAnnotator(
    db()
      .select({ id: preferences.annotatorId, n: count() })
      .from(preferences)
      .where(isNotNull(preferences.supersededAt))
      .groupBy(preferences.annotatorId)
      .all(),
  );
  const flagged = perAnnotator(
    db()
      .select({ id: flags.annotatorId, n: count() })
      .from(flags)
      .where(eq(flags.source, 'annotator'))
      .groupBy(flags.annotatorId)
      .all(),
  );
  const annotators = (await listPeople()).flatMap((person) => {
    const own = figures.get(person.id);
    if (!own) return [];
    const { id, name, role, pausedAt, lastActiveAt } = person;
    return [
      {
        person: { id, name, role, pausedAt, lastActiveAt },
        figures: own,
        skipped: skipped(id),
        undone: undone(id),
        flagged: flagged(id),
      },
    ];
  });
  return { annotators, agreement: overallAgreement(judged) };
}
