/** @file What came in with an import: its answers and taggings, counted and a page at a time. */
import {
  and,
  asc,
  count,
  countDistinct,
  eq,
  gt,
  inArray,
  isNotNull,
  isNull,
  type SQL,
} from 'drizzle-orm';
import { type Answer, answers } from '@/lib/answers';
import { db } from '../client';
import { countIf } from '../dialect';
import { groups, pairs, preferences, type Sample, samples, taggings } from '../schema/labels';
import { user } from '../schema/people';

/** A pair or a group with what was said of each of its images, and of all of them. */
export interface ImportedItem {
  kind: 'pair' | 'group';
  id: string;
  prompt: string;
  /** `votes`: people who preferred it, of a pair; who called it bad, of a group. */
  images: { sample: Sample; votes: number }[];
  ties: number;
  bothBad: number;
  people: number;
}

/** Pairs that answers of an import are to, in the order of their ids, with these answers. */
export async function importedPairs({ importId, after, limit }: Page): Promise<ImportedItem[]> {
  const cameIn = answersOf(importId);
  const wanted = db()
    .selectDistinct({ id: preferences.pairId })
    .from(preferences)
    .where(and(cameIn, gt(preferences.pairId, after)))
    .orderBy(asc(preferences.pairId))
    .limit(limit);
  const found = db()
    .select()
    .from(pairs)
    .where(inArray(pairs.id, wanted))
    .orderBy(asc(pairs.id))
    .all();
  const ids = found.map(({ id }) => id);
  const answers = db()
    .select()
    .from(preferences)
    .where(and(cameIn, inArray(preferences.pairId, ids)))
    .all();
  const shown = imagesOf(
    inArray(
      samples.id,
      found.flatMap(({ sampleAId, sampleBId }) => [sampleAId, sampleBId]),
    ),
  );
  return found.map(({ id, prompt, sampleAId, sampleBId }) => {
    const own = answers.filter(({ pairId }) => pairId === id);
    const said = own.map(({ answer, leftSampleId, rightSampleId }) =>
      answer === 'left' ? leftSampleId : answer === 'right' ? rightSampleId : answer,
    );
    const votes = (verdict: string) => said.filter((one) => one === verdict).length;
    return {
      kind: 'pair',
      id,
      prompt,
      images: [sampleAId, sampleBId].map((sampleId) => ({
        sample: shown.find((one) => one.id === sampleId)!,
        votes: votes(sampleId),
      })),
      ties: votes('tie'),
      bothBad: votes('both-bad'),
      people: own.length,
    };
  });
}

/** Groups that taggings of an import are of, in the order of their ids, with these taggings. */
export async function importedGroups({ importId, after, limit }: Page): Promise<ImportedItem[]> {
  const cameIn = taggingsOf(importId);
  const wanted = db()
    .selectDistinct({ id: taggings.groupId })
    .from(taggings)
    .where(and(cameIn, gt(taggings.groupId, after)))
    .orderBy(asc(taggings.groupId))
    .limit(limit);
  const found = db()
    .select()
    .from(groups)
    .where(inArray(groups.id, wanted))
    .orderBy(asc(groups.id))
    .all();
  const ids = found.map(({ id }) => id);
  const given = db()
    .select()
    .from(taggings)
    .where(and(cameIn, inArray(taggings.groupId, ids)))
    .all();
  const members = imagesOf(inArray(samples.groupId, ids));
  return found.map(({ id, prompt }) => {
    const own = given.filter(({ groupId }) => groupId === id);
    return {
      kind: 'group',
      id,
      prompt,
      images: members
        .filter(({ groupId }) => groupId === id)
        .map((sample) => ({
          sample,
          votes: own.filter(({ taggedSampleIds }) => taggedSampleIds.includes(sample.id)).length,
        })),
      ties: 0,
      bothBad: 0,
      people: own.length,
    };
  });
}

interface Page {
  importId: string;
  /** The id of the last seen; empty: from the first on. */
  after: string;
  limit: number;
}

function imagesOf(which: SQL): Sample[] {
  return db().select().from(samples).where(which).orderBy(asc(samples.id)).all();
}

/** What came in with an import and stands. */
export interface ImportCounts {
  byAnswer: Record<Answer, number>;
  taggings: number;
  /** Of both, by annotators who are paused. */
  heldBack: number;
  /** Pairs and groups that they are about. */
  items: number;
}

export async function importCounts(importId: string): Promise<ImportCounts> {
  const paused = db().select({ id: user.id }).from(user).where(isNotNull(user.pausedAt));
  const said = db()
    .select({
      answer: preferences.answer,
      n: count(),
      heldBack: countIf(inArray(preferences.annotatorId, paused)),
    })
    .from(preferences)
    .where(answersOf(importId))
    .groupBy(preferences.answer)
    .all();
  const compared = db()
    .select({ n: countDistinct(preferences.pairId) })
    .from(preferences)
    .where(answersOf(importId))
    .get();
  const tagged = db()
    .select({
      n: count(),
      heldBack: countIf(inArray(taggings.annotatorId, paused)),
      groups: countDistinct(taggings.groupId),
    })
    .from(taggings)
    .where(taggingsOf(importId))
    .get();
  const counts = answers.map((answer) => [answer, said.find((row) => row.answer === answer)?.n]);
  return {
    byAnswer: Object.fromEntries(counts.map(([answer, n]) => [answer, n ?? 0])),
    taggings: tagged?.n ?? 0,
    heldBack: said.reduce((sum, row) => sum + row.heldBack, tagged?.heldBack ?? 0),
    items: (compared?.n ?? 0) + (tagged?.groups ?? 0),
  };
}

function answersOf(importId: string) {
  return and(eq(preferences.importId, importId), isNull(preferences.supersededAt));
}

function taggingsOf(importId: string) {
  return and(eq(taggings.importId, importId), isNull(taggings.supersededAt));
}
