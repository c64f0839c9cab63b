/** @file How the versions of a pipeline were drawn: what their rates may be compared by. */
import { countDistinct, desc, eq, inArray, isNotNull, max, type SQL, sql } from 'drizzle-orm';
import { baseDrawing } from '@/lib/drawings';
import { db } from '../client';
import { samples } from '../schema/labels';
import { policies } from '../schema/policies';
import { evaluations } from '../schema/rounds';

/**
 * The keys under which versions of a pipeline were measured (lib/drawings.ts): that of most
 * versions first, of as many the latest.
 */
export async function measuredDrawings(pipeline: string): Promise<string[]> {
  const rows = db()
    .select({ drawing: evaluations.drawing })
    .from(evaluations)
    .innerJoin(policies, eq(policies.id, evaluations.policyId))
    .where(sql`${eq(policies.pipeline, pipeline)} and ${isNotNull(evaluations.drawing)}`)
    .groupBy(evaluations.drawing)
    .orderBy(desc(countDistinct(evaluations.policyId)), desc(max(evaluations.createdAt)))
    .all();
  return rows.flatMap(({ drawing }) => drawing ?? []);
}

/** Whether an image was drawn so; of a base policy also, what annealing begins with. */
export function drawnBy(drawing: string): SQL {
  const base = baseDrawing(drawing);
  if (base === drawing) return eq(samples.drawing, drawing);
  const bases = db()
    .select({ id: policies.id })
    .from(policies)
    .where(sql`${policies.parentId} is null`);
  return sql`(${eq(samples.drawing, drawing)} or (${eq(samples.drawing, base)} and ${inArray(samples.policyId, bases)}))`;
}

/** What a policy is drawn with under a key. */
export function drawingOf({ parentId }: { parentId: string | null }, drawing: string): string {
  return parentId === null ? baseDrawing(drawing) : drawing;
}
