import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { acceptsPreferences, roundStates } from '@/lib/rounds';
import { db } from './client';
import { countAnswers } from './round-answers';
import { type Round, roundIn } from './round-decisions';
import { mergeProgress } from './rounds';
import type { Group, Sample } from './samples';
import { groups, samples, taggings } from './schema/labels';
import { user } from './schema/people';
import { rounds, runs } from './schema/rounds';
import { immediate, type Transaction } from './transaction';

export type Tagging = typeof taggings.$inferSelect;

/** A group to tag: several images of one prompt, of which the bad ones are marked. */
export interface OpenGroup {
  group: Group;
  samples: Sample[];
}

/** Everything but 'accepted' says plainly that the tagging does not count. */
export type TaggingResult =
  | { status: 'accepted'; taggingId: string; duplicate: boolean }
  | { status: 'undone'; taggingId: string }
  | { status: 'already-tagged'; taggingId: string }
  | { status: 'group-complete' }
  | { status: 'withdrawn' };

function standingTaggings(tx: Transaction, groupId: string): Tagging[] {
  return tx
    .select()
    .from(taggings)
    .where(and(eq(taggings.groupId, groupId), isNull(taggings.supersededAt)))
    .all();
}

/** Groups of rounds being labeled that still want this person's reading, oldest first. */
export async function nextGroups({
  annotatorId,
  roundId,
  count = 1,
}: {
  annotatorId: string;
  roundId?: string;
  count?: number;
}): Promise<OpenGroup[]> {
  const waiting = db()
    .select({ group: groups, round: rounds })
    .from(groups)
    .innerJoin(rounds, eq(rounds.id, groups.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(
      and(
        inArray(rounds.state, roundStates.filter(acceptsPreferences)),
        eq(rounds.paused, false),
        eq(runs.status, 'active'),
        roundId === undefined ? undefined : eq(rounds.id, roundId),
        sql`not exists (select 1 from ${taggings} where ${taggings.groupId} = ${groups.id}
          and ${taggings.annotatorId} = ${annotatorId} and ${taggings.supersededAt} is null)`,
        sql`(select count(*) from ${taggings} where ${taggings.groupId} = ${groups.id}
          and ${taggings.supersededAt} is null)
          < json_extract(${rounds.config}, '$.labeling.annotatorsPerPair')`,
      ),
    )
    .orderBy(asc(groups.createdAt), asc(groups.id))
    .limit(count)
    .all();
  return waiting.map(({ group }) => ({
    group,
    samples: db()
      .select()
      .from(samples)
      .where(eq(samples.groupId, group.id))
      .orderBy(asc(samples.id))
      .all(),
  }));
}

function recount(tx: Transaction, round: Round, now: number): void {
  mergeProgress(tx, round, { labeled: countAnswers(tx, round, now) }, now);
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
  return immediate((tx) => {
    const known = tx.select().from(taggings).where(eq(taggings.id, id)).get();
    if (known && known.annotatorId !== annotatorId) {
      throw new AppError('conflict', `The tagging id ${id} is taken. Make a new random one.`);
    }
    if (known && known.supersededAt !== null) return { status: 'undone', taggingId: id };
    if (known) return { status: 'accepted', taggingId: id, duplicate: true };
    const person = tx.select().from(user).where(eq(user.id, annotatorId)).get();
    if (person && person.pausedAt !== null) {
      throw new AppError('paused', 'A reviewer has paused your account; nothing was stored.');
    }
    const group = tx.select().from(groups).where(eq(groups.id, groupId)).get();
    if (!group) throw new AppError('not-found', `There is no group ${groupId}.`);
    const members = tx.select().from(samples).where(eq(samples.groupId, groupId)).all();
    const stranger = taggedSampleIds.find((tag) => members.every((sample) => sample.id !== tag));
    if (stranger !== undefined) {
      throw new AppError('bad-request', `Sample ${stranger} is not in group ${groupId}.`);
    }
    const round = roundIn(tx, group.roundId);
    if (!acceptsPreferences(round.state)) return { status: 'withdrawn' };
    const standing = standingTaggings(tx, groupId);
    const own = standing.find((tagging) => tagging.annotatorId === annotatorId);
    if (own) return { status: 'already-tagged', taggingId: own.id };
    if (standing.length >= round.config.labeling.annotatorsPerPair) {
      return { status: 'group-complete' };
    }
    tx.insert(taggings)
      .values({
        id,
        groupId,
        annotatorId,
        taggedSampleIds: [...new Set(taggedSampleIds)],
        createdAt: now,
      })
      .run();
    recount(tx, round, now);
    return { status: 'accepted', taggingId: id, duplicate: false };
  });
}

/** Takes a reading back within the undo window; false when it is too late. */
export async function undoTagging({
  id,
  annotatorId,
  now = Date.now(),
}: {
  id: string;
  annotatorId: string;
  now?: number;
}): Promise<boolean> {
  return immediate((tx) => {
    const tagging = tx.select().from(taggings).where(eq(taggings.id, id)).get();
    if (!tagging || tagging.annotatorId !== annotatorId) {
      throw new AppError('not-found', `You have made no tagging ${id}.`);
    }
    const group = tx.select().from(groups).where(eq(groups.id, tagging.groupId)).get()!;
    const round = roundIn(tx, group.roundId);
    const until = tagging.createdAt + round.config.labeling.undoWindowSeconds * 1000;
    if (now >= until || !acceptsPreferences(round.state)) return false;
    if (tagging.supersededAt === null) {
      tx.update(taggings).set({ supersededAt: now }).where(eq(taggings.id, id)).run();
      recount(tx, round, now);
    }
    return true;
  });
}
