/** @file How far a judge and people agree, over the images that both have looked at. */
import { and, asc, desc, eq, inArray, isNotNull, isNull, ne, or, type SQL, sql } from 'drizzle-orm';
import type { CountedKind } from '@/lib/judges/judging';
import type { Marked } from '@/lib/statistics/agreement';
import { db } from '../client';
import { countIf, jsonListHas, jsonText } from '../dialect';
import { flags, type Sample, samples } from '../schema/labels';
import { policies } from '../schema/policies';
import { drawnFor, isSeenByPeople } from './review';

/** People's word on an image: a flag that no reviewer rejected, or a judge's that one confirmed. */
function isMarkedByPeople(kind: CountedKind): SQL {
  return sql`exists (select 1 from ${flags} where ${flags.sampleId} = ${samples.id}
    and ${flags.kind} = ${kind} and (
      (${flags.source} = 'annotator' and ${flags.state} <> 'rejected')
      or (${flags.source} = 'judge' and ${flags.state} = 'confirmed')))`;
}

/** Older versions' images say little of how a judge reads those of now, and cost as much. */
const versions = 30;

/**
 * What the judge (`firstOnly`) and people (`secondOnly`) marked in the images of a pipeline's
 * newest versions, of those that both have seen. @param judge its name, where verdicts of others
 * do not count
 */
export async function judgeAgreement(
  pipeline: string,
  kind: CountedKind,
  judge?: string,
): Promise<Marked> {
  const marks = jsonListHas(samples.verdict, 'flags', kind);
  const people = isMarkedByPeople(kind);
  const newest = db()
    .select({ id: policies.id })
    .from(policies)
    .where(eq(policies.pipeline, pipeline))
    .orderBy(desc(policies.createdAt), desc(policies.id))
    .limit(versions);
  const found = db()
    .select({
      both: countIf(and(marks, people)),
      firstOnly: countIf(and(marks, sql`not ${people}`)),
      secondOnly: countIf(and(sql`not ${marks}`, people)),
      neither: countIf(and(sql`not ${marks}`, sql`not ${people}`)),
    })
    .from(samples)
    .where(
      and(
        inArray(samples.policyId, newest),
        drawnFor(undefined),
        isNotNull(samples.verdict),
        judge === undefined ? undefined : eq(jsonText(samples.verdict, 'judge'), judge),
        isSeenByPeople,
      ),
    )
    .get();
  return found ?? { both: 0, firstOnly: 0, secondOnly: 0, neither: 0 };
}

/**
 * Images of a pipeline that people have seen and this judge has not read, oldest ids first. Those
 * that people flagged come first: they say most.
 */
export async function unreadSeenSamples(
  pipeline: string,
  judge: string,
  limit: number,
): Promise<Sample[]> {
  const flagged = sql`exists (select 1 from ${flags} where ${flags.sampleId} = ${samples.id})`;
  return db()
    .select({ sample: samples })
    .from(samples)
    .innerJoin(policies, eq(policies.id, samples.policyId))
    .where(
      and(
        eq(policies.pipeline, pipeline),
        drawnFor(undefined),
        or(isNull(samples.verdict), ne(jsonText(samples.verdict, 'judge'), judge)),
        isSeenByPeople,
      ),
    )
    .orderBy(sql`${flagged} desc`, asc(samples.id))
    .limit(limit)
    .all()
    .map(({ sample }) => sample);
}
