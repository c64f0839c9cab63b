/** @file Where rounds stand in the trainer's queue. */
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { roundWorkKinds } from '@/lib/work';
import { db } from '../client';
import { rounds, runs, work } from '../schema/rounds';

/**
 * Of each round that waits for a trainer how many others come before it: those that are worked on,
 * and those that have waited longer. What is paused waits for nobody, and nobody waits for it.
 */
export async function placesInQueue(): Promise<ReadonlyMap<string, number>> {
  const rows = db()
    .select({ roundId: work.roundId, state: work.state })
    .from(work)
    .innerJoin(rounds, eq(rounds.id, work.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        sql`${work.state} in ('queued', 'claimed')`,
        inArray(work.kind, [...roundWorkKinds]),
        sql`not ${rounds.paused}`,
        eq(runs.status, 'active'),
      ),
    )
    .orderBy(asc(work.createdAt))
    .all();
  const atWork = rows.filter(({ state }) => state === 'claimed').length;
  const waiting = rows.filter(({ state }) => state === 'queued');
  return new Map(waiting.map(({ roundId }, i) => [roundId!, atWork + i]));
}
