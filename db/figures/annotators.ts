import { and, asc, count, eq, gt, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { alphaOf } from '@/lib/statistics/agreement';
import { type AnnotatorFigures, type SideBias, sideBiasOf } from '@/lib/statistics/annotators';
import { type MedianInterval, medianOfRanks } from '@/lib/statistics/median';
import type { Proportion } from '@/lib/statistics/proportion';
import { db } from '../client';
import { countIf, sumOf } from '../dialect';
import { hasJudged, type PersonSummary, peoplePage } from '../people/list';
import { agreementCounts, annotatorCounts, verdictSquares } from '../schema/figures';
import { flags, preferences, skips } from '../schema/labels';
import { user } from '../schema/people';

type Counts = typeof annotatorCounts.$inferSelect;

/** A person who has judged, with their figures, and what they skipped, undid and flagged. */
export interface AnnotatorReport {
  person: Pick<PersonSummary, 'id' | 'name' | 'role' | 'pausedAt' | 'lastActiveAt'>;
  figures: AnnotatorFigures;
  skipped: number;
  undone: number;
  flagged: number;
}

/**
 * Those who have judged a pair, in the order they came, a page at a time; and how far all of them
 * agree.
 */
export interface AnnotatorReports {
  annotators: AnnotatorReport[];
  /** Pass as `after` to go on; null at the end. */
  next: string | null;
  /** How many there are on all pages. */
  total: number;
  /** Whether anybody has judged a gold pair. */
  anyGold: boolean;
  agreement: { raw: Proportion; alpha: number | null };
  /** Of all picks made here; imported ones were shown in other orders. */
  side: SideBias;
}

/**
 * Reads what is counted while answers come in (figures.ts): its cost does not follow the number of
 * answers.
 */
export async function annotatorReports({
  after,
  limit = 30,
}: {
  after?: string;
  limit?: number;
} = {}): Promise<AnnotatorReports> {
  const { people, next } = await peoplePage({ after, limit, whoHaveJudged: true });
  const ids = people.map(({ id }) => id);
  const counts = new Map(
    db()
      .select()
      .from(annotatorCounts)
      .where(inArray(annotatorCounts.annotatorId, ids))
      .all()
      .map((row) => [row.annotatorId, row]),
  );
  const [skipped, undone, flagged] = [skippedBy(ids), undoneBy(ids), flaggedBy(ids)];
  const decisions = decisionsOf(people);
  return {
    annotators: people.map(({ id, name, role, pausedAt, lastActiveAt }) => ({
      person: { id, name, role, pausedAt, lastActiveAt },
      figures: figuresOf(counts.get(id)!, decisions.get(id)!),
      skipped: skipped.get(id) ?? 0,
      undone: undone.get(id) ?? 0,
      flagged: flagged.get(id) ?? 0,
    })),
    next,
    ...agreementOfAll(),
    side: sideOfAll(),
  };
}

function figuresOf(
  { left, right, ties, bothBad, compared, agreed, gold, goldRight }: Counts,
  decisionMs: MedianInterval | null,
): AnnotatorFigures {
  const answers = left + right + ties + bothBad;
  return {
    answers,
    decisionMs,
    sideBias: sideBiasOf({ left, decided: left + right }),
    agreement: { count: agreed, n: compared },
    gold: { count: goldRight, n: gold },
    ties: { count: ties, n: answers },
    bothBad: { count: bothBad, n: answers },
  };
}

function agreementOfAll(): Pick<AnnotatorReports, 'total' | 'anyGold' | 'agreement'> {
  const all = db()
    .select({
      total: countIf(hasJudged),
      gold: sumOf(annotatorCounts.gold),
    })
    .from(annotatorCounts)
    .get()!;
  const rows = db().select().from(agreementCounts).where(gt(agreementCounts.pairs, 0)).all();
  const sum = (of: (row: (typeof rows)[number]) => number) =>
    rows.reduce((sum, row) => sum + of(row), 0);
  const compared = sum(({ people, pairs }) => (pairs * people * (people - 1)) / 2);
  const squares = db().select().from(verdictSquares).get()?.squares ?? 0;
  return {
    total: all.total,
    anyGold: all.gold > 0,
    agreement: {
      raw: { count: compared - sum(({ disagreeing }) => disagreeing) / 2, n: compared },
      alpha: alphaOf({
        observed: sum(({ people, disagreeing }) => disagreeing / (people - 1)),
        values: sum(({ people, pairs }) => people * pairs),
        squares,
      }),
    },
  };
}

function sideOfAll(): SideBias {
  const { left, right } = db()
    .select({ left: sumOf(annotatorCounts.left), right: sumOf(annotatorCounts.right) })
    .from(annotatorCounts)
    .innerJoin(user, eq(user.id, annotatorCounts.annotatorId))
    .where(eq(user.imported, false))
    .get()!;
  return sideBiasOf({ left, decided: left + right });
}

/** The median decision of each: four of their answers by rank, which an index finds. */
function decisionsOf(
  people: readonly Pick<PersonSummary, 'id' | 'preferences'>[],
): Map<string, MedianInterval | null> {
  const atRank = db()
    .select({ ms: preferences.decisionMs })
    .from(preferences)
    .where(
      and(eq(preferences.annotatorId, sql.placeholder('id')), isNull(preferences.supersededAt)),
    )
    .orderBy(asc(preferences.decisionMs))
    .limit(1)
    .offset(sql.placeholder('before'))
    .prepare();
  return new Map(
    people.map(({ id, preferences: n }) => [
      id,
      medianOfRanks(n, (rank) => atRank.get({ id, before: rank - 1 })!.ms),
    ]),
  );
}

type PerPerson = Map<string | null, number>;

function skippedBy(ids: readonly string[]): PerPerson {
  return perPerson(
    db()
      .select({ id: skips.annotatorId, n: count() })
      .from(skips)
      .where(inArray(skips.annotatorId, [...ids]))
      .groupBy(skips.annotatorId)
      .all(),
  );
}

function undoneBy(ids: readonly string[]): PerPerson {
  return perPerson(
    db()
      .select({ id: preferences.annotatorId, n: count() })
      .from(preferences)
      .where(and(inArray(preferences.annotatorId, [...ids]), isNotNull(preferences.supersededAt)))
      .groupBy(preferences.annotatorId)
      .all(),
  );
}

function flaggedBy(ids: readonly string[]): PerPerson {
  return perPerson(
    db()
      .select({ id: flags.annotatorId, n: count() })
      .from(flags)
      .where(inArray(flags.annotatorId, [...ids]))
      .groupBy(flags.annotatorId)
      .all(),
  );
}

function perPerson(rows: readonly { id: string | null; n: number }[]): PerPerson {
  return new Map(rows.map(({ id, n }) => [id, n]));
}
