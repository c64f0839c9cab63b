import { and, asc, count, countDistinct, eq, gt, inArray, isNull, ne } from 'drizzle-orm';
import { union } from 'drizzle-orm/sqlite-core';
import type { FlagKind, FlagSource } from '@/lib/flags';
import type { Proportion } from '@/lib/metrics';
import type { Purpose } from '@/lib/samples';
import { db } from './client';
import type { Flag } from './flags';
import { listPolicies, type Policy } from './policies';
import type { Sample } from './samples';
import { flags, preferences, samples, taggings } from './schema/labels';

/** The defects whose rate is followed from version to version. */
export type DefectKind = Extract<FlagKind, 'hand' | 'nsfw'>;

/** One defect of one policy, as each source saw it: images marked, out of those it looked at. */
export type DefectRate = Record<FlagSource, Proportion>;

/** What is known of one policy's images. `images`: all of the purpose asked for. */
export interface PolicyDefects {
  policy: Policy;
  images: number;
  hand: DefectRate;
  nsfw: DefectRate;
}

/** Without a purpose all that the policy drew: spoiled copies of gold pairs and imported images are not its work. */
function drawnFor(purpose: Purpose | undefined) {
  const wanted = purpose === undefined ? ne(samples.purpose, 'gold') : eq(samples.purpose, purpose);
  return and(wanted, isNull(samples.origin));
}

/** Images that somebody has looked at: in an answered pair, in a tagged group, or to flag them. */
function seenByPeople() {
  const answered = isNull(preferences.supersededAt);
  return union(
    db().select({ id: preferences.leftSampleId }).from(preferences).where(answered),
    db().select({ id: preferences.rightSampleId }).from(preferences).where(answered),
    db()
      .select({ id: samples.id })
      .from(samples)
      .innerJoin(taggings, eq(taggings.groupId, samples.groupId))
      .where(isNull(taggings.supersededAt)),
    db().select({ id: flags.sampleId }).from(flags).where(eq(flags.source, 'annotator')),
  ).as('seen');
}

/**
 * Defect rates of every policy of a pipeline that has drawn images, oldest first. A source's rate
 * counts only images that this source looked at, and flags that no reviewer has rejected.
 */
export async function defectRates({
  pipeline,
  purpose,
}: {
  pipeline: string;
  purpose?: Purpose;
}): Promise<PolicyDefects[]> {
  const ofPurpose = drawnFor(purpose);
  const drawn = db()
    .select({ policyId: samples.policyId, images: count(), judged: count(samples.verdict) })
    .from(samples)
    .where(ofPurpose)
    .groupBy(samples.policyId)
    .all();
  const seen = seenByPeople();
  const looked = db()
    .select({ policyId: samples.policyId, n: count() })
    .from(samples)
    .innerJoin(seen, eq(seen.id, samples.id))
    .where(ofPurpose)
    .groupBy(samples.policyId)
    .all();
  const marked = db()
    .select({
      policyId: samples.policyId,
      kind: flags.kind,
      source: flags.source,
      n: countDistinct(samples.id),
    })
    .from(flags)
    .innerJoin(samples, eq(samples.id, flags.sampleId))
    .where(and(ne(flags.state, 'rejected'), ofPurpose))
    .groupBy(samples.policyId, flags.kind, flags.source)
    .all();
  return (await listPolicies(pipeline)).flatMap((policy) => {
    const mine = drawn.find((row) => row.policyId === policy.id);
    if (!mine) return [];
    const rate = (kind: DefectKind, source: FlagSource, n: number): Proportion => {
      const row = marked.find(
        (one) => one.policyId === policy.id && one.kind === kind && one.source === source,
      );
      return { count: row?.n ?? 0, n };
    };
    const people = looked.find((row) => row.policyId === policy.id)?.n ?? 0;
    const rates = (kind: DefectKind): DefectRate => ({
      judge: rate(kind, 'judge', mine.judged),
      annotator: rate(kind, 'annotator', people),
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
 * with `defect: null`, all of them. In the order of their ids; pass the last id as `after` to go on.
 */
export async function imagesOfPolicy({
  policyId,
  defect,
  source,
  purpose,
  after,
  limit = 60,
}: {
  policyId: string;
  defect: FlagKind | null;
  source?: FlagSource;
  purpose?: Purpose;
  after?: string;
  limit?: number;
}): Promise<ReviewedSample[]> {
  const marked =
    defect === null
      ? undefined
      : inArray(
          samples.id,
          db()
            .select({ id: flags.sampleId })
            .from(flags)
            .where(
              and(
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
        drawnFor(purpose),
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
