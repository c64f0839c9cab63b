import { and, asc, count, eq, gt, inArray, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import type { Purpose, Verdict } from '@/lib/samples';
import { db } from '../client';
import { givenRows, givenText } from '../dialect';
import { newId } from '../ids';
import type { DrawnGroup, DrawnPair } from '../leases/drawn';
import { breathe, portions } from '../portions';
import { prepared } from '../prepared';
import { flags, groups, pairs, type Sample, samples } from '../schema/labels';
import { all, change, immediate, type Steps, statement, type Transaction } from '../transaction';
import { mergeProgress } from './rounds';
import { roundIn } from './rows';

/** A sample as the trainer hands it over: its blobs are already in the store. */
export type NewSample = Omit<
  Sample,
  'createdAt' | 'verdict' | 'origin' | 'drawing' | 'thumbnailBlob' | 'importId'
> &
  Partial<Pick<Sample, 'verdict' | 'origin' | 'drawing'>>;

/**
 * `target`: annotators wanted; `goldSampleId`: only for gold; higher `priority` is served first.
 */
export type NewPair = Omit<
  DrawnPair,
  'createdAt' | 'state' | 'goldSampleId' | 'priority' | 'importId'
> &
  Partial<Pick<DrawnPair, 'goldSampleId' | 'priority'>>;

export type NewGroup = Omit<DrawnGroup, 'createdAt' | 'importId'>;

/** Each changes a row of a kilobyte and up to four of flags. */
const verdictsPerTransaction = 200;

/** Verdicts given to images. */
type Judged = readonly { sampleId: string; verdict: Verdict }[];

/**
 * Flags follow the verdicts: a judge that reads an image again may take back its own open flags.
 */
function* flagByVerdicts(tx: Transaction, judged: Judged, createdAt: number): Steps<void> {
  for (const some of portions(judged)) {
    const ids = some.map(({ sampleId }) => sampleId);
    yield* change(
      tx
        .delete(flags)
        .where(
          and(inArray(flags.sampleId, ids), eq(flags.source, 'judge'), eq(flags.state, 'open')),
        ),
    );
    const found = some.flatMap(({ sampleId, verdict }) =>
      verdict.flags.map((kind) => ({
        id: newId(),
        sampleId,
        kind,
        source: 'judge' as const,
        createdAt,
      })),
    );
    if (found.length > 0) yield* change(tx.insert(flags).values(found).onConflictDoNothing());
  }
}

/**
 * Stores drawn samples, the groups they belong to and the pairs made of them, together or not at
 * all. Rows whose ids are known already are left as they are, so a resumed trainer may repeat
 * itself. The progress of the rounds concerned is counted anew.
 */
export async function recordSamples(input: {
  groups?: readonly NewGroup[];
  samples: readonly NewSample[];
  pairs?: readonly NewPair[];
}): Promise<void> {
  const createdAt = Date.now();
  await immediate(function* (tx) {
    for (const rows of portions(input.groups ?? [])) {
      yield* change(
        tx
          .insert(groups)
          .values(rows.map((row) => ({ ...row, createdAt })))
          .onConflictDoNothing(),
      );
    }
    for (const rows of portions(input.samples)) {
      yield* change(
        tx
          .insert(samples)
          .values(rows.map((row) => ({ ...row, createdAt })))
          .onConflictDoNothing(),
      );
    }
    for (const rows of portions(input.pairs ?? [])) {
      yield* change(
        tx
          .insert(pairs)
          .values(rows.map((row) => ({ ...row, createdAt })))
          .onConflictDoNothing(),
      );
    }
    yield* flagByVerdicts(
      tx,
      input.samples.flatMap(({ id, verdict }) => (verdict ? [{ sampleId: id, verdict }] : [])),
      createdAt,
    );
    const roundIds = new Set(input.samples.map((sample) => sample.roundId));
    for (const roundId of roundIds) {
      if (roundId !== null) yield* countSamples(tx, roundId, createdAt);
    }
  });
}

function* countSamples(tx: Transaction, roundId: string, now: number): Steps<void> {
  const counted = yield* all(
    tx
      .select({ purpose: samples.purpose, n: count() })
      .from(samples)
      .where(eq(samples.roundId, roundId))
      .groupBy(samples.purpose),
  );
  const of = (purpose: Purpose) => counted.find((row) => row.purpose === purpose)?.n ?? 0;
  yield* mergeProgress(
    tx,
    yield* roundIn(tx, roundId),
    { sampled: of('training'), evaluated: of('evaluation') },
    now,
  );
}

/**
 * Stores what the judge saw and flags what it found; verdicts given again replace older ones. Some
 * hundred in a transaction: each verdict comes with its flags, and whoever was interrupted gives
 * the others again. Throws 'not-found' before any is stored.
 */
export async function setVerdicts(verdicts: Judged): Promise<void> {
  const now = Date.now();
  await samplesById(verdicts.map(({ sampleId }) => sampleId));
  for (const some of portions(verdicts, verdictsPerTransaction)) {
    await immediate(function* (tx) {
      // One statement for all of them: a verdict each is its own JSON within the JSON of the list.
      yield* change(
        statement(
          tx,
          sql`update ${samples} set verdict = ${givenText('verdict')}
        from ${givenRows(some)} where ${samples.id} = ${givenText('sampleId')}`,
        ),
      );
      yield* flagByVerdicts(tx, some, now);
    });
    await breathe();
  }
}

/**
 * The samples with these ids, in this order. Throws 'not-found' that names the first missing one.
 */
export async function samplesById(ids: readonly string[]): Promise<Sample[]> {
  const found = new Map<string, Sample>();
  for (const some of portions(ids)) {
    for (const row of db().select().from(samples).where(inArray(samples.id, some)).all()) {
      found.set(row.id, row);
    }
  }
  return ids.map((id) => {
    const sample = found.get(id);
    if (!sample) throw new AppError('not-found', `There is no sample ${id}.`);
    return sample;
  });
}

/** Samples in the order of their ids; pass the last id seen as `after` to go on. */
export async function listSamples({
  roundId,
  policyId,
  groupId,
  purpose,
  after,
  limit = 500,
}: {
  roundId?: string;
  policyId?: string;
  groupId?: string;
  purpose?: Purpose;
  after?: string;
  limit?: number;
}): Promise<Sample[]> {
  return db()
    .select()
    .from(samples)
    .where(
      and(
        roundId === undefined ? undefined : eq(samples.roundId, roundId),
        policyId === undefined ? undefined : eq(samples.policyId, policyId),
        groupId === undefined ? undefined : eq(samples.groupId, groupId),
        purpose === undefined ? undefined : eq(samples.purpose, purpose),
        after === undefined ? undefined : gt(samples.id, after),
      ),
    )
    .orderBy(asc(samples.id))
    .limit(limit)
    .all();
}

/**
 * Size of an image, and its thumbnail once there is one, if some sample shows it; null otherwise,
 * so that no other blob can be fetched.
 */
export async function imageInfo(
  hash: string,
): Promise<{ width: number; height: number; thumbnailBlob: string | null } | null> {
  return sizeOfImage().get({ hash }) ?? null;
}

const sizeOfImage = prepared((database) =>
  database
    .select({
      width: samples.width,
      height: samples.height,
      thumbnailBlob: samples.thumbnailBlob,
    })
    .from(samples)
    .where(eq(samples.imageBlob, sql.placeholder('hash')))
    .limit(1)
    .prepare(),
);

/** Lets all samples that show an image point to its thumbnail. */
export async function keepThumbnail({
  imageBlob,
  thumbnailBlob,
}: {
  imageBlob: string;
  thumbnailBlob: string;
}): Promise<void> {
  await immediate((tx) =>
    change(tx.update(samples).set({ thumbnailBlob }).where(eq(samples.imageBlob, imageBlob))),
  );
}
