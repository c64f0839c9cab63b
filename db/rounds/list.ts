/**
 * @file Rounds as lists show them: without their configurations, with the names of what they refer
 * to.
 */
import { and, count, desc, eq, inArray, lt, or, type SQL } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { roundStates, unfinishedStates } from '@/lib/rounds';
import { db } from '../client';
import { alias } from '../dialect';
import { user } from '../schema/people';
import { policies } from '../schema/policies';
import { rounds, runs } from '../schema/rounds';

const start = alias(policies, 'start_policy');
const result = alias(policies, 'result_policy');

const finishedStates = roundStates.filter(
  (state) => !(unfinishedStates as readonly string[]).includes(state),
);

function listed(which: SQL | undefined) {
  return db()
    .select({
      id: rounds.id,
      ordinal: rounds.ordinal,
      state: rounds.state,
      paused: rounds.paused,
      error: rounds.error,
      progress: rounds.progress,
      createdAt: rounds.createdAt,
      finishedAt: rounds.finishedAt,
      run: {
        id: runs.id,
        name: runs.name,
        mode: runs.mode,
        method: runs.method,
        pipeline: runs.pipeline,
        status: runs.status,
        startedBy: user.name,
      },
      startPolicy: { id: start.id, name: start.name },
      resultPolicy: { id: result.id, name: result.name },
    })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .innerJoin(start, eq(start.id, rounds.startPolicyId))
    .leftJoin(result, eq(result.id, rounds.resultPolicyId))
    .leftJoin(user, eq(user.id, runs.createdBy))
    .where(which)
    .orderBy(desc(rounds.createdAt), desc(rounds.ordinal), desc(rounds.id))
    .$dynamic();
}

export type ListedRound = ReturnType<ReturnType<typeof listed>['all']>[number];

/** One round as lists show it. Throws 'not-found'. */
export async function listedRound(id: string): Promise<ListedRound> {
  const [round] = listed(eq(rounds.id, id)).all();
  if (!round) throw new AppError('not-found', `There is no round ${id}.`);
  return round;
}

export interface RoundsPage {
  /** All that are under way, newest first. */
  underWay: ListedRound[];
  /** Of those that are over some, newest first; and how many there are. */
  over: ListedRound[];
  overTotal: number;
  /** Pass as `after` to go on; null at the end. */
  next: string | null;
}

/**
 * Rounds, newest first, those that are over a page at a time. Throws 'bad-request' for an unknown
 * `after`.
 */
export async function roundsPage({
  after,
  limit,
}: {
  after?: string;
  limit: number;
}): Promise<RoundsPage> {
  const isOver = inArray(rounds.state, finishedStates);
  const over = listed(and(isOver, after === undefined ? undefined : before(after)))
    .limit(limit + 1)
    .all();
  return {
    underWay: listed(inArray(rounds.state, [...unfinishedStates])).all(),
    over: over.slice(0, limit),
    overTotal: db().select({ n: count() }).from(rounds).where(isOver).get()?.n ?? 0,
    next: over.length > limit ? over[limit - 1]!.id : null,
  };
}

function before(id: string): SQL | undefined {
  const last = db()
    .select({ createdAt: rounds.createdAt, ordinal: rounds.ordinal })
    .from(rounds)
    .where(eq(rounds.id, id))
    .get();
  if (!last) {
    throw new AppError(
      'bad-request',
      `after: there is no round ${id}. Take "next" of the page before.`,
    );
  }
  const { createdAt, ordinal } = last;
  return or(
    lt(rounds.createdAt, createdAt),
    and(
      eq(rounds.createdAt, createdAt),
      or(lt(rounds.ordinal, ordinal), and(eq(rounds.ordinal, ordinal), lt(rounds.id, id))),
    ),
  );
}
