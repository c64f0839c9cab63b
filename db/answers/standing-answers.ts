/**
 * @file What people have said and not taken back: answers to pairs and taggings of groups, and the
 * training pairs they make. Everything is read in portions, outside of any transaction;
 * frozen-mark.ts tells whether it still holds.
 */
import { and, asc, eq, gt, inArray, isNull, type SQL } from 'drizzle-orm';
import { preferredSample } from '@/lib/answers';
import type { Votes } from '@/lib/statistics/reliability';
import {
  pairFromAnswers,
  pairsFromTags,
  votesFromTags,
  type WeightedPair,
  type Weighting,
} from '@/lib/training/pairing';
import { db } from '../client';
import { placeOf } from '../dialect';
import { breathe, portions, rowsPerStatement } from '../portions';
import { groups, pairs, preferences, samples, taggings } from '../schema/labels';
import { user } from '../schema/people';

export type FrozenPair = WeightedPair & {
  pairId: string | null;
  groupId: string | null;
  /** Who said so, and who the reverse. */
  votes: Votes;
};

/** Training pairs, and how many answers entered them. */
export interface Paired {
  frozen: FrozenPair[];
  used: number;
}

/** An answer, the pair it is to, and since when its annotator is paused. */
export interface StandingAnswer {
  preference: Pick<
    typeof preferences.$inferSelect,
    'id' | 'annotatorId' | 'importId' | 'answer' | 'leftSampleId' | 'rightSampleId' | 'createdAt'
  >;
  pair: Pick<typeof pairs.$inferSelect, 'id' | 'roundId' | 'sampleAId' | 'sampleBId' | 'createdAt'>;
  pausedAt: number | null;
}

export interface StandingTagging {
  tagging: typeof taggings.$inferSelect;
  /** Of the group; null: it was imported. */
  roundId: string | null;
  groupCreatedAt: number;
  pausedAt: number | null;
}

/** Rounds and imports, by id, whose pairs and groups answers are to. */
export interface AnsweredIn {
  rounds: readonly string[];
  imports: readonly string[];
}

/** Images of groups, in a fixed order. */
export type Members = ReadonlyMap<string, readonly string[]>;

/** Standing answers to the training pairs of some rounds and imports, in a fixed order. */
export async function standingAnswersOf({ rounds, imports }: AnsweredIn) {
  const found: StandingAnswer[] = [];
  const places = [
    ...rounds.map((id) => eq(pairs.roundId, id)),
    ...imports.map((id) => eq(pairs.importId, id)),
  ];
  for (const place of places) {
    for (let after = 0; ; ) {
      const asked = trainingPairsAfter(place, after);
      const byId = new Map(asked.map((pair) => [pair.id, pair]));
      for (const { pairId, ...given } of answersTo([...byId.keys()])) {
        found.push({ ...given, pair: byId.get(pairId) as StandingAnswer['pair'] });
      }
      if (asked.length < rowsPerStatement) break;
      after = (asked.at(-1) as { row: number }).row;
      await breathe();
    }
  }
  return found.sort(
    (one, other) =>
      one.pair.createdAt - other.pair.createdAt ||
      compareIds(one.pair.id, other.pair.id) ||
      compareIds(one.preference.id, other.preference.id),
  );
}

/** The next pairs of one place in the order they were stored. @param after the last row seen */
function trainingPairsAfter(place: SQL, after: number) {
  const row = placeOf(pairs);
  return db()
    .select({
      row,
      id: pairs.id,
      roundId: pairs.roundId,
      sampleAId: pairs.sampleAId,
      sampleBId: pairs.sampleBId,
      createdAt: pairs.createdAt,
    })
    .from(pairs)
    .where(and(place, gt(row, after), eq(pairs.purpose, 'training')))
    .orderBy(asc(row))
    .limit(rowsPerStatement)
    .all();
}

function answersTo(pairIds: readonly string[]) {
  return db()
    .select({
      pairId: preferences.pairId,
      preference: {
        id: preferences.id,
        annotatorId: preferences.annotatorId,
        importId: preferences.importId,
        answer: preferences.answer,
        leftSampleId: preferences.leftSampleId,
        rightSampleId: preferences.rightSampleId,
        createdAt: preferences.createdAt,
      },
      pausedAt: user.pausedAt,
    })
    .from(preferences)
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(and(inArray(preferences.pairId, [...pairIds]), isNull(preferences.supersededAt)))
    .all();
}

/** Standing taggings of the groups of some rounds and imports, in a fixed order. */
export async function standingTaggingsOf({ rounds, imports }: AnsweredIn) {
  const found: StandingTagging[] = [];
  const places = [
    ...[...portions(rounds)].map((some) => inArray(groups.roundId, some)),
    ...[...portions(imports)].map((some) => inArray(groups.importId, some)),
  ];
  for (const place of places) {
    const own = db().select({ id: groups.id }).from(groups).where(place).all();
    for (const asked of portions(own.map(({ id }) => id))) {
      found.push(
        ...db()
          .select({
            tagging: taggings,
            roundId: groups.roundId,
            groupCreatedAt: groups.createdAt,
            pausedAt: user.pausedAt,
          })
          .from(taggings)
          .innerJoin(groups, eq(groups.id, taggings.groupId))
          .innerJoin(user, eq(user.id, taggings.annotatorId))
          .where(and(inArray(taggings.groupId, asked), isNull(taggings.supersededAt)))
          .all(),
      );
      await breathe();
    }
  }
  return found.sort(
    (one, other) =>
      one.groupCreatedAt - other.groupCreatedAt ||
      compareIds(one.tagging.groupId, other.tagging.groupId) ||
      compareIds(one.tagging.id, other.tagging.id),
  );
}

/** The images of the groups that were tagged. */
export async function membersOf(tagged: readonly StandingTagging[]): Promise<Members> {
  const members = new Map<string, string[]>();
  const ids = [...new Set(tagged.map(({ tagging }) => tagging.groupId))];
  for (const some of portions(ids)) {
    const rows = db()
      .select({ id: samples.id, groupId: samples.groupId })
      .from(samples)
      .where(inArray(samples.groupId, some))
      .orderBy(asc(samples.seed), asc(samples.id))
      .all();
    for (const { id, groupId } of rows) {
      const known = members.get(groupId as string);
      if (known) known.push(id);
      else members.set(groupId as string, [id]);
    }
    await breathe();
  }
  return members;
}

/** As SQLite orders texts of ASCII. */
function compareIds(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** What an answer prefers; null for ties and both bad. */
export function preferredIn({ preference }: StandingAnswer): string | null {
  return preferredSample(preference.answer, preference);
}

/** One training pair from each pair whose annotators do not cancel each other out. */
export function pairsOfAnswers(answers: readonly StandingAnswer[], weighting: Weighting): Paired {
  const frozen: FrozenPair[] = [];
  let used = 0;
  for (const [pairId, rows] of groupBy(answers, (row) => row.pair.id)) {
    const preferred = rows.map(preferredIn);
    const weighted = pairFromAnswers(rows[0]!.pair, preferred, weighting);
    if (!weighted) continue;
    const whoPreferred = (id: string) =>
      rows.filter((_, i) => preferred[i] === id).map((row) => row.preference.annotatorId);
    const votes = {
      for: whoPreferred(weighted.winnerSampleId),
      against: whoPreferred(weighted.loserSampleId),
    };
    frozen.push({ ...weighted, pairId, groupId: null, votes });
    used += preferred.filter((id) => id !== null).length;
  }
  return { frozen, used };
}

/** The training pairs of tagged groups: an image beats those that more people tagged. */
export function pairsOfTaggings(
  taggedBy: readonly StandingTagging[],
  members: Members,
  weighting: Weighting,
): Paired {
  const frozen: FrozenPair[] = [];
  let used = 0;
  for (const [groupId, rows] of groupBy(taggedBy, (row) => row.tagging.groupId)) {
    const tags = rows.map((row) => row.tagging.taggedSampleIds);
    const weighted = pairsFromTags(members.get(groupId) ?? [], tags, weighting);
    if (weighted.length > 0) used += rows.length;
    const given = rows.map((row) => row.tagging);
    frozen.push(
      ...weighted.map((pair) => ({
        ...pair,
        pairId: null,
        groupId,
        votes: votesFromTags(pair, given),
      })),
    );
  }
  return { frozen, used };
}

/** Rows under their keys, both in the order in which they come. */
export function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const byKey = new Map<string, T[]>();
  for (const row of rows) {
    const known = byKey.get(keyOf(row));
    if (known) known.push(row);
    else byKey.set(keyOf(row), [row]);
  }
  return byKey;
}
