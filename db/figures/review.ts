import {
  and,
  asc,
  count,
  countDistinct,
  eq,
  exists,
  gt,
  inArray,
  isNull,
  ne,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { FlagKind, FlagSource } from '@/lib/flags';
import type { CountedKind } from '@/lib/judges/judging';
import type { Purpose } from '@/lib/samples';
import type { Proportion } from '@/lib/statistics/proportion';
import { db } from '../client';
import { countIf } from '../dialect';
import type { Flag } from '../labeling/flags';
import { drawnBy } from '../policies/drawings';
import { firstPolicy, isOfPipeline, type ListedPolicy, policiesPage } from '../policies/list';
import { flags, pairs, preferences, type Sample, samples, taggings } from '../schema/labels';

/** One defect of one policy, as each source saw it: images marked, out of those it looked at. */
export type DefectRate = Record<FlagSource, Proportion>;

/** What is known of one policy's images. `images`: all of the purpose asked for. */
export interface PolicyDefects {
  policy: ListedPolicy;
  images: number;
  hand: DefectRate;
  nsfw: DefectRate;
}

/**
 * Without a purpose all that the policy drew: spoiled copies of gold pairs and imported images are
 * not its work. @param drawing how it was drawn, a key; without one, however
 */
export function drawnFor(purpose: Purpose | undefined, drawing?: string) {
  const wanted = purpose === undefined ? ne(samples.purpose, 'gold') : eq(samples.purpose, purpose);
  return and(wanted, isNull(samples.origin), drawing === undefined ? undefined : drawnBy(drawing));
}

/**
 * Whether somebody has looked at a sample: in an answered pair, in a tagged group, or to flag it.
 */
export const isSeenByPeople = sql`(
  exists (select 1 from ${pairs} join ${preferences} on ${preferences.pairId} = ${pairs.id}
    where ${pairs.sampleAId} = ${samples.id} and ${preferences.supersededAt} is null)
  or exists (select 1 from ${pairs} join ${preferences} on ${preferences.pairId} = ${pairs.id}
    where ${pairs.sampleBId} = ${samples.id} and ${preferences.supersededAt} is null)
  or exists (select 1 from ${flags} where ${flags.sampleId} = ${samples.id} and ${flags.source} = 'annotator')
  or exists (select 1 from ${taggings} where ${taggings.groupId} = ${samples.groupId} and ${taggings.supersededAt} is null))`;

/** Defect rates of some versions, oldest first, and how many versions have drawn such images. */
export interface DefectRates {
  rates: PolicyDefects[];
  total: number;
  /** Pass as `before` for those that came earlier; null where none did. */
  earlier: string | null;
}

/**
 * Defect rates of the newest policies of a pipeline that have drawn images, or of those before one
 * of them. A source's rate counts only images that this source looked at, and flags that no
 * reviewer has rejected.
 */
export async function defectRates({
  pipeline,
  purpose,
  drawing,
  before,
  limit = 30,
}: {
  pipeline: string;
  purpose?: Purpose;
  drawing?: string;
  before?: string;
  limit?: number;
}): Promise<DefectRates> {
  const drawn = drawnFor(purpose, drawing);
  const which = isOfPipeline(pipeline, drawn);
  const { policies, ...rest } = await policiesPage({ which, before, limit });
  return { rates: ratesOf(policies, drawn), ...rest };
}

/** The rates of the first version that has drawn such images, and of the newest. */
export async function firstAndNewestRates({
  pipeline,
  purpose,
  drawing,
}: {
  pipeline: string;
  purpose: Purpose;
  drawing?: string;
}): Promise<PolicyDefects[]> {
  const drawn = drawnFor(purpose, drawing);
  const which = isOfPipeline(pipeline, drawn);
  const first = await firstPolicy(which);
  const { policies } = await policiesPage({ which, limit: 1 });
  const newest = policies.filter(({ id }) => id !== first?.id);
  return ratesOf(first ? [first, ...newest] : [], drawn);
}

function ratesOf(policies: readonly ListedPolicy[], isDrawn: SQL | undefined): PolicyDefects[] {
  const which = and(
    inArray(
      samples.policyId,
      policies.map(({ id }) => id),
    ),
    isDrawn,
  );
  const drawn = db()
    .select({
      policyId: samples.policyId,
      images: count(),
      judged: count(samples.verdict),
      seen: countIf(isSeenByPeople),
    })
    .from(samples)
    .where(which)
    .groupBy(samples.policyId)
    .all();
  const marked = db()
    .select({
      policyId: samples.policyId,
      kind: flags.kind,
      source: flags.source,
      n: countDistinct(samples.id),
    })
    .from(samples)
    .innerJoin(flags, eq(flags.sampleId, samples.id))
    .where(and(ne(flags.state, 'rejected'), which))
    .groupBy(samples.policyId, flags.kind, flags.source)
    .all();
  return policies.flatMap((policy) => {
    const mine = drawn.find((row) => row.policyId === policy.id);
    if (!mine) return [];
    const rate = (kind: CountedKind, source: FlagSource, n: number): Proportion => {
      const row = marked.find(
        (one) => one.policyId === policy.id && one.kind === kind && one.source === source,
      );
      return { count: row?.n ?? 0, n };
    };
    const rates = (kind: CountedKind): DefectRate => ({
      judge: rate(kind, 'judge', mine.judged),
      annotator: rate(kind, 'annotator', mine.seen),
    });
    return [{ policy, images: mine.images, hand: rates('hand'), nsfw: rates('nsfw') }];
  });
}

/** An image with every flag on it, rejected ones too. */
export interface ReviewedSample {
  sample: Sample;
  flags: Flag[];
}

/**
 * The images behind a rate: those of a policy that carry a defect (of one source when asked), or,
 * with `defect: null`, all of them. In the order of their ids; pass the last id as `after` to go
 * on.
 */
export async function imagesOfPolicy({
  policyId,
  defect,
  source,
  purpose,
  drawing,
  after,
  limit = 60,
}: {
  policyId: string;
  defect: FlagKind | null;
  source?: FlagSource;
  purpose?: Purpose;
  drawing?: string;
  after?: string;
  limit?: number;
}): Promise<ReviewedSample[]> {
  const marked =
    defect === null
      ? undefined
      : exists(
          db()
            .select({ id: flags.id })
            .from(flags)
            .where(
              and(
                eq(flags.sampleId, samples.id),
                eq(flags.kind, defect),
                ne(flags.state, 'rejected'),
                source === undefined ? undefined : eq(flags.source, source),
              ),
            ),
        );
  const found = db()
    .select()
    .from(samples)
    .where(
      and(
        eq(samples.policyId, policyId),
        marked,
        drawnFor(purpose, drawing),
        after === undefined ? undefined : gt(samples.id, after),
      ),
    )
    .orderBy(asc(samples.id))
    .limit(limit)
    .all();
  const ids = found.map((sample) => sample.id);
  const onThem = db().select().from(flags).where(inArray(flags.sampleId, ids)).all();
  return found.map((sample) => ({
    sample,
    flags: onThem.filter((flag) => flag.sampleId === sample.id),
  }));
}
