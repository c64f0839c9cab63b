/**
 * @file The next pair for a person: most urgent first, at random among equals. Ids are random, so
 * the first free pair after a random id is a random one; an index leads there, and what is passed
 * on the way is what this person may not judge now.
 */
import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm';
import { acceptsPreferences } from '@/lib/rounds';
import type { Purpose } from '@/lib/samples';
import { newId } from '../ids';
import { prepared } from '../prepared';
import { leases, pairs, preferences, skips } from '../schema/labels';
import { user } from '../schema/people';
import { rounds, runs } from '../schema/rounds';
import { one, type Steps } from '../transaction';
import { type DrawnPair, drawn } from './drawn';
import { pairIsOpen } from './open-rounds';

const annotatorId = sql.placeholder('annotatorId');
const now = sql.placeholder('now');

/**
 * Neither answered, as far as it stands, nor skipped by the person of the placeholder
 * `annotatorId`.
 */
export const notYetJudged = and(
  sql`not exists (select 1 from ${preferences} where ${preferences.pairId} = ${pairs.id}
    and ${preferences.annotatorId} = ${annotatorId} and ${preferences.supersededAt} is null)`,
  sql`not exists (select 1 from ${skips} where ${skips.pairId} = ${pairs.id}
    and ${skips.annotatorId} = ${annotatorId})`,
);

/** Answers to a pair that stand and count: those of paused people are held back. */
export const countedAnswers = sql<number>`(select count(*) from ${preferences}
  inner join ${user} on ${user.id} = ${preferences.annotatorId}
  where ${preferences.pairId} = ${pairs.id} and ${preferences.supersededAt} is null
  and ${user.pausedAt} is null)`;

/** What a pair is once other answers count: filled, without any, or as it was. */
export const stateNow = sql`case when ${countedAnswers} >= ${pairs.target} then 'complete'
  when ${countedAnswers} = 0 then 'open' else ${pairs.state} end`;

/**
 * Answers that count plus live leases of a pair at the placeholder `now`: what its target limits.
 */
export const taken = sql<number>`${countedAnswers}
  + (select count(*) from ${leases} where ${leases.pairId} = ${pairs.id}
    and ${leases.releasedAt} is null and ${leases.expiresAt} > ${now})`;

/** Open pairs of one purpose, round and priority. */
interface Level {
  purpose: Purpose;
  roundId: string;
  priority: number;
}

const purpose = eq(pairs.purpose, sql.placeholder('purpose'));
const roundId = eq(pairs.roundId, sql.placeholder('roundId'));

const roundAfter = prepared((database) =>
  database
    .select({ roundId: pairs.roundId })
    .from(pairs)
    .where(and(pairIsOpen, purpose, gt(pairs.roundId, sql.placeholder('after'))))
    .orderBy(asc(pairs.roundId))
    .limit(1)
    .prepare(),
);

const priorityBelow = prepared((database) =>
  database
    .select({ priority: pairs.priority })
    .from(pairs)
    .where(and(pairIsOpen, purpose, roundId, lt(pairs.priority, sql.placeholder('below'))))
    .orderBy(desc(pairs.priority))
    .limit(1)
    .prepare(),
);

const standOf = prepared((database) =>
  database
    .select({ state: rounds.state, paused: rounds.paused, status: runs.status })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(eq(rounds.id, sql.placeholder('roundId')))
    .prepare(),
);

function walk(where: SQL) {
  return prepared((database) =>
    database
      .select()
      .from(pairs)
      .where(
        and(
          pairIsOpen,
          purpose,
          roundId,
          eq(pairs.priority, sql.placeholder('priority')),
          where,
          notYetJudged,
          sql`not exists (select 1 from ${leases} where ${leases.pairId} = ${pairs.id}
            and ${leases.annotatorId} = ${annotatorId} and ${leases.releasedAt} is null
            and ${leases.expiresAt} > ${now})`,
          sql`${taken} < ${pairs.target}`,
        ),
      )
      .orderBy(asc(pairs.id))
      .limit(1)
      .prepare(),
  );
}

const walkOn = walk(gte(pairs.id, sql.placeholder('from')));
const walkFromStart = walk(lt(pairs.id, sql.placeholder('from')));

function* isServed(purpose: Purpose, roundId: string): Steps<boolean> {
  if (purpose === 'evaluation') return true;
  const round = yield* one(standOf, { roundId });
  if (!round || round.paused || round.status !== 'active') return false;
  return acceptsPreferences(round.state);
}

/** Rounds with open pairs of either purpose that are served now. */
function* sourcesServed(): Steps<Omit<Level, 'priority'>[]> {
  const served: Omit<Level, 'priority'>[] = [];
  for (const purpose of ['training', 'evaluation'] as const) {
    let next = yield* one(roundAfter, { purpose, after: '' });
    while (next) {
      const { roundId } = drawn(next);
      if (yield* isServed(purpose, roundId)) served.push({ purpose, roundId });
      next = yield* one(roundAfter, { purpose, after: roundId });
    }
  }
  return served;
}

/** Each with the most urgent level of its pairs below a priority, where it has any. */
function* levelsBelow(sources: readonly Omit<Level, 'priority'>[], below: number): Steps<Level[]> {
  const levels: Level[] = [];
  for (const of of sources) {
    const found = yield* one(priorityBelow, { ...of, below });
    if (found) levels.push({ ...of, priority: found.priority });
  }
  return levels;
}

/**
 * The most urgent of these levels, one of them by chance where several are; null when there is
 * none.
 */
function mostUrgent(levels: readonly Level[]): Level | null {
  if (levels.length === 0) return null;
  const top = Math.max(...levels.map(({ priority }) => priority));
  const urgent = levels.filter(({ priority }) => priority === top);
  return urgent[Math.floor(Math.random() * urgent.length)] ?? null;
}

/**
 * The next pair for a person at `now` (ms), or the next gold pair of one round. Where several
 * rounds are labeled at once, each has an equal chance. Within a decision: what it finds holds as
 * long as that.
 */
export function* nextPair(
  person: string,
  now: number,
  { goldOf }: { goldOf?: string } = {},
): Steps<DrawnPair | undefined> {
  const sources =
    goldOf === undefined ? yield* sourcesServed() : [{ purpose: 'gold' as const, roundId: goldOf }];
  const levels = yield* levelsBelow(sources, Number.MAX_SAFE_INTEGER);
  for (let level = mostUrgent(levels); level; level = mostUrgent(levels)) {
    const search = { ...level, annotatorId: person, now, from: newId() };
    const found = (yield* one(walkOn, search)) ?? (yield* one(walkFromStart, search));
    if (found) return drawn(found);
    const place = levels.indexOf(level);
    levels.splice(place, 1, ...(yield* levelsBelow([level], level.priority)));
  }
  return undefined;
}
