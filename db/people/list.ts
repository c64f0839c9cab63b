/**
 * @file People as lists show them, a page at a time, with what is counted of their answers
 * (figures.ts).
 */
import { and, asc, count, eq, gt, not, or, type SQL, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { db } from '../client';
import { contains, countIf, isOneOf } from '../dialect';
import { annotatorCounts } from '../schema/figures';
import { preferences } from '../schema/labels';
import { user } from '../schema/people';
import type { PersonSummary } from './users';

export type { PersonSummary } from './users';

const answered = sql<number>`coalesce(${annotatorCounts.left} + ${annotatorCounts.right} + ${annotatorCounts.ties} + ${annotatorCounts.bothBad}, 0)`;

/** Whether somebody has standing answers; beside annotator_counts. */
export const hasJudged = sql<number>`${answered} > 0`;

const lastAnswer = sql<number | null>`(select max(${preferences.createdAt}) from ${preferences}
  where ${preferences.annotatorId} = ${user.id} and ${preferences.supersededAt} is null)`;

export interface PeoplePage {
  people: PersonSummary[];
  /** Pass as `after` to go on; null at the end. */
  next: string | null;
}

/**
 * People in the order they came. Throws 'bad-request' where nobody is known by `after`.
 * @param search part of a name or an address, whatever its case
 */
export async function peoplePage({
  after,
  limit = 50,
  whoHaveJudged = false,
  withImported = true,
  search = '',
}: {
  after?: string;
  limit?: number;
  whoHaveJudged?: boolean;
  withImported?: boolean;
  search?: string;
} = {}): Promise<PeoplePage> {
  const found = db()
    .select({
      id: user.id,
      name: user.name,
      email: sql<string | null>`case when ${user.hasEmail} then ${user.email} end`,
      role: user.role,
      pausedAt: user.pausedAt,
      createdAt: user.createdAt,
      imported: user.imported,
      preferences: answered,
      lastActiveAt: lastAnswer,
    })
    .from(user)
    .leftJoin(annotatorCounts, eq(annotatorCounts.annotatorId, user.id))
    .where(
      and(
        whoHaveJudged ? hasJudged : undefined,
        withImported ? undefined : eq(user.imported, false),
        matches(search),
        after === undefined ? undefined : cameAfter(after),
      ),
    )
    .orderBy(asc(user.createdAt), asc(user.id))
    .limit(limit + 1)
    .all();
  const people = found.slice(0, limit);
  return { people, next: found.length > limit ? people.at(-1)!.id : null };
}

function matches(search: string): SQL | undefined {
  const words = search.trim();
  if (words === '') return undefined;
  return or(contains(user.name, words), and(user.hasEmail, contains(user.email, words)));
}

function cameAfter(id: string): SQL | undefined {
  const last = db().select({ createdAt: user.createdAt }).from(user).where(eq(user.id, id)).get();
  if (!last) {
    throw new AppError(
      'bad-request',
      `after: there is no person ${id}. Take "next" of the page before.`,
    );
  }
  const { createdAt } = last;
  return or(gt(user.createdAt, createdAt), and(eq(user.createdAt, createdAt), gt(user.id, id)));
}

/** How many people there are, and of these who have judged; names that came with imports apart. */
export async function countPeople(search = ''): Promise<{
  people: number;
  judging: number;
  imported: number;
}> {
  const row = db()
    .select({
      all: count(),
      imported: countIf(user.imported),
      judging: countIf(and(hasJudged, not(user.imported))),
    })
    .from(user)
    .leftJoin(annotatorCounts, eq(annotatorCounts.annotatorId, user.id))
    .where(matches(search))
    .get()!;
  return { people: row.all - row.imported, judging: row.judging, imported: row.imported };
}

/** Names by id, of those who are known. */
export async function namesOf(ids: readonly (string | null)[]): Promise<Map<string, string>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  if (wanted.length === 0) return new Map();
  const rows = db()
    .select({ id: user.id, name: user.name })
    .from(user)
    .where(isOneOf(user.id, wanted))
    .all();
  return new Map(rows.map(({ id, name }) => [id, name]));
}
