import { and, desc, eq, lt, or } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import type { FlagKind, FlagSource, FlagState } from '@/lib/flags';
import { recordAudit } from '../audit';
import { db } from '../client';
import { newId } from '../ids';
import { groupLeases } from '../schema/group-leases';
import { flags, leases, pairs, type Sample, samples } from '../schema/labels';
import { user } from '../schema/people';
import { change, immediate, one, type Steps, type Transaction } from '../transaction';

export type Flag = typeof flags.$inferSelect;

/** A flag beside the image it marks; `annotator` is null for a judge's flag. */
export interface FlaggedSample {
  flag: Flag;
  sample: Sample;
  annotator: string | null;
}

interface OwnFlag {
  sampleId: string;
  kind: FlagKind;
  annotatorId: string;
}

/**
 * Marks a defect on an image that this person was shown; again does nothing. Throws 'not-found' for
 * any other: it tells nothing of them.
 */
export async function flagServed(flag: OwnFlag): Promise<void> {
  await immediate(function* (tx) {
    if (!(yield* wasServed(tx, flag))) {
      throw new AppError(
        'not-found',
        `You were never shown a sample ${flag.sampleId}. Flag images of the pairs and groups that you judge.`,
      );
    }
    yield* flagIn(tx, flag);
  });
}

function* flagIn(tx: Transaction, { sampleId, kind, annotatorId }: OwnFlag): Steps<void> {
  const sample = yield* one(tx.select().from(samples).where(eq(samples.id, sampleId)));
  if (!sample) throw new AppError('not-found', `There is no sample ${sampleId}.`);
  yield* change(
    tx
      .insert(flags)
      .values({
        id: newId(),
        sampleId,
        kind,
        source: 'annotator',
        annotatorId,
        createdAt: Date.now(),
      })
      .onConflictDoNothing(),
  );
}

/** Whether a person has ever leased a pair or a group with this image. */
function* wasServed(tx: Transaction, { sampleId, annotatorId }: OwnFlag): Steps<boolean> {
  const inPair = yield* one(
    tx
      .select({ id: leases.id })
      .from(pairs)
      .innerJoin(leases, and(eq(leases.pairId, pairs.id), eq(leases.annotatorId, annotatorId)))
      .where(or(eq(pairs.sampleAId, sampleId), eq(pairs.sampleBId, sampleId)))
      .limit(1),
  );
  const inGroup = () =>
    one(
      tx
        .select({ id: groupLeases.id })
        .from(samples)
        .innerJoin(groupLeases, eq(groupLeases.groupId, samples.groupId))
        .where(and(eq(samples.id, sampleId), eq(groupLeases.annotatorId, annotatorId))),
    );
  return (inPair ?? (yield* inGroup())) !== undefined;
}

/** Takes one's own mark back. A reviewer's decision stays: then nothing changes. */
export async function unsetFlag({ sampleId, kind, annotatorId }: OwnFlag): Promise<void> {
  await immediate((tx) =>
    change(
      tx
        .delete(flags)
        .where(
          and(
            eq(flags.sampleId, sampleId),
            eq(flags.kind, kind),
            eq(flags.annotatorId, annotatorId),
            eq(flags.state, 'open'),
          ),
        ),
    ),
  );
}

/** Confirms or rejects a flag, or opens it again. Throws 'not-found'. */
export async function reviewFlag({
  flagId,
  state,
  reviewedBy,
}: {
  flagId: string;
  state: FlagState;
  reviewedBy: string;
}): Promise<void> {
  const now = Date.now();
  await immediate(function* (tx) {
    const review =
      state === 'open' ? { reviewedBy: null, reviewedAt: null } : { reviewedBy, reviewedAt: now };
    const { changes } = yield* change(
      tx
        .update(flags)
        .set({ state, ...review })
        .where(eq(flags.id, flagId)),
    );
    if (changes === 0) throw new AppError('not-found', `There is no flag ${flagId}.`);
    yield* recordAudit(tx, {
      actorId: reviewedBy,
      action: 'flag.review',
      subject: flagId,
      detail: { state },
    });
  });
}

/** Flags with their images, newest first; pass the last `createdAt` seen as `before` to go on. */
export async function listFlags({
  state,
  kind,
  source,
  policyId,
  sampleId,
  before,
  limit = 100,
}: {
  state?: FlagState;
  kind?: FlagKind;
  source?: FlagSource;
  policyId?: string;
  sampleId?: string;
  before?: number;
  limit?: number;
} = {}): Promise<FlaggedSample[]> {
  return db()
    .select({ flag: flags, sample: samples, annotator: user.name })
    .from(flags)
    .innerJoin(samples, eq(samples.id, flags.sampleId))
    .leftJoin(user, eq(user.id, flags.annotatorId))
    .where(
      and(
        state === undefined ? undefined : eq(flags.state, state),
        kind === undefined ? undefined : eq(flags.kind, kind),
        source === undefined ? undefined : eq(flags.source, source),
        policyId === undefined ? undefined : eq(samples.policyId, policyId),
        sampleId === undefined ? undefined : eq(samples.id, sampleId),
        before === undefined ? undefined : lt(flags.createdAt, before),
      ),
    )
    .orderBy(desc(flags.createdAt), desc(flags.id))
    .limit(limit)
    .all();
}
