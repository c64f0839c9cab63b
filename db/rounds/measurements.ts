/** @file What was measured of policies, of each the one evaluation that a page shows. */
import { and, inArray, sql } from 'drizzle-orm';
import { db } from '../client';
import { givenPlace, givenRows, givenText } from '../dialect';
import { evaluations } from '../schema/rounds';
import type { Evaluation } from './metrics';

/** A policy, and the round that is asked about; null: none. */
export interface Wanted {
  policyId: string | null;
  roundId: string | null;
  /** How its images were drawn, a key; without one, however. */
  drawing?: string;
}

/**
 * Of each policy its newest evaluation, one made in the round itself going first; null where it was
 * never measured so. In two statements, however many are wanted.
 */
export async function measurementsOf(wanted: readonly Wanted[]): Promise<(Evaluation | null)[]> {
  if (wanted.length === 0) return [];
  const ids = db()
    .all<{ id: string | null }>(sql`
      select (
        select ${evaluations.id} from ${evaluations} where ${evaluations.policyId} = ${givenText('policyId')}
          and coalesce(${evaluations.drawing} = ${givenText('drawing')}, true)
        order by (${evaluations.roundId} is not distinct from ${givenText('roundId')}) desc,
          ${evaluations.createdAt} desc, ${evaluations.comparedToPolicyId} desc nulls last
        limit 1
      ) as id from ${givenRows(wanted)} order by ${givenPlace}`)
    .map(({ id }) => id);
  const known = ids.filter((id) => id !== null);
  const rows = db().select().from(evaluations).where(inArray(evaluations.id, known)).all();
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => (id === null ? null : (byId.get(id) ?? null)));
}

/** The evaluations that some rounds made of some policies. */
export async function measuredBy(
  roundIds: readonly string[],
  policyIds: readonly string[],
): Promise<Evaluation[]> {
  return db()
    .select()
    .from(evaluations)
    .where(
      and(
        inArray(evaluations.roundId, [...roundIds]),
        inArray(evaluations.policyId, [...policyIds]),
      ),
    )
    .all();
}
