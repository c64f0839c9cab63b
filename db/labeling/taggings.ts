import { and, asc, eq, gt, isNull, ne, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { acceptsPreferences } from '@/lib/rounds';
import { type DrawnGroup, drawn } from '../leases/drawn';
import { liveLeasesOf, readingsOf } from '../leases/group-answers';
import { type LeasedGroup, leasedGroupIn } from '../leases/leased-group';
import { countAnswers } from '../rounds/answers';
import { noteLook } from '../rounds/look';
import { mergeProgress } from '../rounds/rounds';
import { roundIn } from '../rounds/rows';
import { groupLeases, groupSkips } from '../schema/group-leases';
import { groups, samples, taggings } from '../schema/labels';
import { user } from '../schema/people';
import type { Round } from '../schema/rounds';
import { all, change, immediate, one, type Steps, type Transaction } from '../transaction';

/** Everything but 'accepted' says plainly that the tagging does not count. */
export type TaggingResult =
  | { status: 'accepted'; taggingId: string; duplicate: boolean }
  | { status: 'undone'; taggingId: string }
  | { status: 'already-tagged'; taggingId: string }
  /** The lease had lapsed and others have meanwhile given all readings wanted. */
  | { status: 'group-complete' }
  /** Never leased by this person, and others are at it. */
  | { status: 'taken' }
  | { status: 'withdrawn' };

/**
 * Undone: the group is back with its annotator, its images in the same order; null when someone
 * else is tagging it meanwhile. Too late: the window has passed or the round stopped taking
 * answers.
 */
export type UndoGroupResult =
  | { status: 'undone'; group: LeasedGroup | null }
  | { status: 'too-late' };

function* ownReading(tx: Transaction, groupId: string, annotatorId: string) {
  return yield* one(
    tx
      .select({ id: taggings.id })
      .from(taggings)
      .where(
        and(
          eq(taggings.groupId, groupId),
          eq(taggings.annotatorId, annotatorId),
          isNull(taggings.supersededAt),
        ),
      ),
  );
}

/** How many readings a group still takes: of standing ones alone, and with others' live leases. */
function* roomIn(tx: Transaction, groupId: string, round: Round, annotatorId: string, now: number) {
  const counted = (yield* one(
    tx
      .select({
        readings: sql<number>`${readingsOf()}`,
        held: sql<number>`${liveLeasesOf(now, annotatorId)}`,
      })
      .from(groups)
      .where(eq(groups.id, groupId)),
  ))!;
  const room = round.config.labeling.annotatorsPerPair - counted.readings;
  return { room, besideOthers: room - counted.held };
}

function ofOwn(table: typeof groupLeases | typeof groupSkips, group: string, annotatorId: string) {
  return and(eq(table.groupId, group), eq(table.annotatorId, annotatorId));
}

function* endLease(
  tx: Transaction,
  groupId: string,
  annotatorId: string,
  now: number,
): Steps<void> {
  yield* change(
    tx
      .update(groupLeases)
      .set({ releasedAt: now })
      .where(ofOwn(groupLeases, groupId, annotatorId)),
  );
}

/** Ends the newest live leases of others on a group, until no more than `room` are left. */
function* keepLeases(
  tx: Transaction,
  {
    groupId,
    annotatorId,
    room,
    now,
  }: { groupId: string; annotatorId: string; room: number; now: number },
): Steps<void> {
  const live = yield* all(
    tx
      .select({ annotatorId: groupLeases.annotatorId })
      .from(groupLeases)
      .where(
        and(
          eq(groupLeases.groupId, groupId),
          ne(groupLeases.annotatorId, annotatorId),
          isNull(groupLeases.releasedAt),
          gt(groupLeases.expiresAt, now),
        ),
      )
      .orderBy(asc(groupLeases.servedAt)),
  );
  for (const other of live.slice(room)) yield* endLease(tx, groupId, other.annotatorId, now);
}

/** @param lookAt when what has changed may move the round on, ms */
function* recount(tx: Transaction, round: Round, now: number, lookAt: number): Steps<void> {
  yield* mergeProgress(tx, round, { labeled: yield* countAnswers(tx, round) }, now);
  yield* noteLook(tx, round.id, lookAt);
}

/**
 * Stores one person's reading of a group, in one immediate transaction; `id` is made by the client,
 * and the same id again changes nothing. No tags at all is an answer too: every image is good.
 * Throws 'not-found', 'paused', and 'bad-request' for a tag on an image of another group.
 */
export async function submitTagging({
  id,
  groupId,
  annotatorId,
  taggedSampleIds,
  now = Date.now(),
}: {
  id: string;
  groupId: string;
  annotatorId: string;
  taggedSampleIds: readonly string[];
  now?: number;
}): Promise<TaggingResult> {
  return immediate(function* (tx) {
    const known = yield* one(tx.select().from(taggings).where(eq(taggings.id, id)));
    if (known && known.annotatorId !== annotatorId) {
      throw new AppError('conflict', `The tagging id ${id} is taken. Make a new random one.`);
    }
    if (known && known.supersededAt !== null) return { status: 'undone', taggingId: id };
    if (known) return { status: 'accepted', taggingId: id, duplicate: true };
    const person = yield* one(tx.select().from(user).where(eq(user.id, annotatorId)));
    if (person && person.pausedAt !== null) {
      throw new AppError('paused', 'A reviewer has paused your account; nothing was stored.');
    }
    const group = yield* one(tx.select().from(groups).where(eq(groups.id, groupId)));
    if (!group) throw new AppError('not-found', `There is no group ${groupId}.`);
    const members = yield* all(tx.select().from(samples).where(eq(samples.groupId, groupId)));
    const stranger = taggedSampleIds.find((tag) => members.every((sample) => sample.id !== tag));
    if (stranger !== undefined) {
      throw new AppError('bad-request', `Sample ${stranger} is not in group ${groupId}.`);
    }
    const round = yield* roundIn(tx, drawn(group).roundId);
    if (!acceptsPreferences(round.state)) return { status: 'withdrawn' };
    const own = yield* ownReading(tx, groupId, annotatorId);
    if (own) {
      yield* endLease(tx, groupId, annotatorId, now);
      return { status: 'already-tagged', taggingId: own.id };
    }
    const { room, besideOthers } = yield* roomIn(tx, groupId, round, annotatorId, now);
    if (room <= 0) {
      yield* endLease(tx, groupId, annotatorId, now);
      return { status: 'group-complete' };
    }
    // A lapsed lease still counts while there is room; without any, nobody's work may be thrown
    // away.
    const lease = yield* one(
      tx
        .select()
        .from(groupLeases)
        .where(ofOwn(groupLeases, groupId, annotatorId)),
    );
    if (!lease && besideOthers <= 0) return { status: 'taken' };
    yield* change(
      tx.insert(taggings).values({
        id,
        groupId,
        annotatorId,
        taggedSampleIds: [...new Set(taggedSampleIds)],
        createdAt: now,
      }),
    );
    yield* endLease(tx, groupId, annotatorId, now);
    // Whoever came to the group last makes place for a reading whose lease had lapsed.
    if (besideOthers <= 0) {
      yield* keepLeases(tx, { groupId, annotatorId, room: room - 1, now });
    }
    // From another tab, perhaps: a reading overrides one's own skip.
    yield* change(tx.delete(groupSkips).where(ofOwn(groupSkips, groupId, annotatorId)));
    yield* recount(tx, round, now, now + round.config.labeling.undoWindowSeconds * 1000);
    return { status: 'accepted', taggingId: id, duplicate: false };
  });
}

/**
 * Gives a group back to its annotator, unless they have dealt with it again since, or others'
 * readings and live leases fill it.
 */
function* reopenLease(
  tx: Transaction,
  group: DrawnGroup,
  annotatorId: string,
  round: Round,
  now: number,
): Steps<LeasedGroup | null> {
  const skipped = yield* one(
    tx
      .select()
      .from(groupSkips)
      .where(ofOwn(groupSkips, group.id, annotatorId)),
  );
  if (skipped || (yield* ownReading(tx, group.id, annotatorId))) return null;
  if ((yield* roomIn(tx, group.id, round, annotatorId, now)).besideOthers <= 0) return null;
  const lease = yield* one(
    tx
      .update(groupLeases)
      .set({ releasedAt: null, expiresAt: now + round.config.labeling.leaseSeconds * 1000 })
      .where(ofOwn(groupLeases, group.id, annotatorId))
      .returning({ id: groupLeases.id }),
  );
  return lease ? yield* leasedGroupIn(tx, lease.id) : null;
}

/**
 * Takes a reading back within the undo window: it is kept as superseded, and the group goes back to
 * the same person with its images in the same order. Undoing again changes nothing more. Throws
 * 'not-found'.
 */
export async function undoTagging({
  id,
  annotatorId,
  now = Date.now(),
}: {
  id: string;
  annotatorId: string;
  now?: number;
}): Promise<UndoGroupResult> {
  return immediate(function* (tx) {
    const tagging = yield* one(tx.select().from(taggings).where(eq(taggings.id, id)));
    if (!tagging || tagging.annotatorId !== annotatorId) {
      throw new AppError('not-found', `You have made no tagging ${id}.`);
    }
    const group = drawn(
      (yield* one(tx.select().from(groups).where(eq(groups.id, tagging.groupId))))!,
    );
    const round = yield* roundIn(tx, group.roundId);
    const until = tagging.createdAt + round.config.labeling.undoWindowSeconds * 1000;
    if (now >= until || !acceptsPreferences(round.state)) return { status: 'too-late' };
    if (tagging.supersededAt === null) {
      yield* change(tx.update(taggings).set({ supersededAt: now }).where(eq(taggings.id, id)));
      yield* recount(tx, round, now, now);
    }
    return { status: 'undone', group: yield* reopenLease(tx, group, annotatorId, round, now) };
  });
}

/** The group of somebody's lease, live or not. Throws 'not-found'. */
function* leasedIn(tx: Transaction, leaseId: string, annotatorId: string): Steps<DrawnGroup> {
  const row = yield* one(
    tx
      .select({ group: groups })
      .from(groupLeases)
      .innerJoin(groups, eq(groups.id, groupLeases.groupId))
      .where(and(eq(groupLeases.id, leaseId), eq(groupLeases.annotatorId, annotatorId))),
  );
  if (row) return drawn(row.group);
  throw new AppError(
    'not-found',
    `You hold no lease ${leaseId} of a group. Ask for the next group and tag that one.`,
  );
}

/**
 * Puts a group aside for good: it is not offered to this person again. Nothing happens when they
 * have skipped or tagged it already. Throws 'not-found'.
 */
export async function skipGroup({
  leaseId,
  annotatorId,
  now = Date.now(),
}: {
  leaseId: string;
  annotatorId: string;
  now?: number;
}): Promise<void> {
  await immediate(function* (tx) {
    const group = yield* leasedIn(tx, leaseId, annotatorId);
    if (yield* ownReading(tx, group.id, annotatorId)) return;
    yield* change(
      tx
        .insert(groupSkips)
        .values({ groupId: group.id, annotatorId, createdAt: now })
        .onConflictDoNothing(),
    );
    yield* endLease(tx, group.id, annotatorId, now);
    yield* noteLook(tx, group.roundId, now);
  });
}

/**
 * Takes a skip back: the group returns to the same person with its images in the same order. Throws
 * 'not-found'.
 */
export async function undoGroupSkip({
  leaseId,
  annotatorId,
  now = Date.now(),
}: {
  leaseId: string;
  annotatorId: string;
  now?: number;
}): Promise<UndoGroupResult> {
  return immediate(function* (tx) {
    const group = yield* leasedIn(tx, leaseId, annotatorId);
    const round = yield* roundIn(tx, group.roundId);
    if (!acceptsPreferences(round.state)) return { status: 'too-late' };
    yield* change(tx.delete(groupSkips).where(ofOwn(groupSkips, group.id, annotatorId)));
    return { status: 'undone', group: yield* reopenLease(tx, group, annotatorId, round, now) };
  });
}
