/**
 * @file What people said of several images of one prompt, as places: of pairs that were compared,
 * and of groups whose bad images were tagged.
 */
import { and, asc, eq, gt, inArray, isNull, lte, or } from 'drizzle-orm';
import { type Answer, preferredSample } from '@/lib/answers';
import { placesOf } from '@/lib/exchange/places';
import { db } from '../client';
import { groups, pairs, preferences, samples, taggings } from '../schema/labels';
import { user } from '../schema/people';
import { type ExportChoice, pseudonyms, wantedBy } from './exports';

const pageSize = 300;

export interface Ranking {
  /** What it is known by to `after`: pairs come before groups. */
  key: string;
  prompt: string;
  imageBlobs: string[];
  /** Of each image, by the mean of all readings: 1 is best, equals share one. */
  rank: number[];
  readings: { rank: number[]; userId: number }[];
}

interface Reading {
  pairOrGroup: string;
  annotatorId: string;
  /** Of each sample that was read. */
  placeOf: (sampleId: string) => number;
}

/**
 * Rankings in the order of their ids, with the answers that `choice` wants. Groups are never gold.
 */
export async function* exportRankings(choice: ExportChoice = {}): AsyncGenerator<Ranking> {
  const fixed = { until: Date.now(), ...choice };
  const pseudonymOf = await pseudonyms();
  const told = (kind: 'pair' | 'group', page: Page) =>
    page.rows.map(({ id, prompt, members }): Ranking => {
      const own = page.readings.filter(({ pairOrGroup }) => pairOrGroup === id);
      const readings = own.map(({ annotatorId, placeOf }) => ({
        rank: members.map((member) => placeOf(member.id)),
        userId: pseudonymOf(annotatorId),
      }));
      return {
        key: `${kind} ${id}`,
        prompt,
        imageBlobs: members.map(({ imageBlob }) => imageBlob),
        rank: placesOf(readings.map(({ rank }) => rank)),
        readings,
      };
    });
  const [, kind = 'pair', from = ''] = /^(pair|group) (.*)$/.exec(choice.after ?? '') ?? [];
  if (kind === 'pair') {
    for (let after = from; ; ) {
      const page = pairsAfter(after, fixed);
      yield* told('pair', page);
      if (page.rows.length < pageSize) break;
      after = page.rows.at(-1)!.id;
    }
  }
  for (let after = kind === 'group' ? from : ''; ; ) {
    const page = groupsAfter(after, fixed);
    yield* told('group', page);
    if (page.rows.length < pageSize) break;
    after = page.rows.at(-1)!.id;
  }
}

interface Page {
  rows: { id: string; prompt: string; members: { id: string; imageBlob: string }[] }[];
  readings: Reading[];
}

function pairsAfter(after: string, choice: ExportChoice): Page {
  const found = db()
    .selectDistinct({ id: pairs.id, prompt: pairs.prompt })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(and(wantedBy(choice), gt(pairs.id, after)))
    .orderBy(asc(pairs.id))
    .limit(pageSize)
    .all();
  const ids = found.map(({ id }) => id);
  const answers = db()
    .select({ preference: preferences })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(and(wantedBy(choice), inArray(pairs.id, ids)))
    .orderBy(asc(preferences.id))
    .all()
    .map(({ preference }) => preference);
  const images = imagesOf(
    db()
      .select({ id: pairs.id, a: pairs.sampleAId, b: pairs.sampleBId })
      .from(pairs)
      .where(inArray(pairs.id, ids))
      .all()
      .map(({ id, a, b }) => [id, [a, b]]),
  );
  return {
    rows: found.map((row) => ({ ...row, members: images.get(row.id)! })),
    readings: answers.map(({ pairId, annotatorId, ...sides }) => ({
      pairOrGroup: pairId,
      annotatorId,
      placeOf: (sampleId) => placeIn(sides, sampleId),
    })),
  };
}

/** The better image has the first place; both have it where neither is. */
function placeIn(
  sides: { answer: Answer; leftSampleId: string; rightSampleId: string },
  sampleId: string,
): number {
  const preferred = preferredSample(sides.answer, sides);
  return preferred === null || preferred === sampleId ? 1 : 2;
}

function groupsAfter(after: string, choice: ExportChoice): Page {
  const { roundId, importId, heldBack, until = Date.now() } = choice;
  const wanted = and(
    lte(taggings.createdAt, until),
    or(isNull(taggings.supersededAt), gt(taggings.supersededAt, until)),
    heldBack ? undefined : or(isNull(user.pausedAt), gt(user.pausedAt, until)),
    roundId === undefined ? undefined : eq(groups.roundId, roundId),
    importId === undefined ? undefined : eq(taggings.importId, importId),
  );
  const found = db()
    .selectDistinct({ id: groups.id, prompt: groups.prompt })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .innerJoin(user, eq(user.id, taggings.annotatorId))
    .where(and(wanted, gt(groups.id, after)))
    .orderBy(asc(groups.id))
    .limit(pageSize)
    .all();
  const ids = found.map(({ id }) => id);
  const given = db()
    .select({ tagging: taggings })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .innerJoin(user, eq(user.id, taggings.annotatorId))
    .where(and(wanted, inArray(groups.id, ids)))
    .orderBy(asc(taggings.id))
    .all();
  const members = db()
    .select({ id: samples.id, imageBlob: samples.imageBlob, groupId: samples.groupId })
    .from(samples)
    .where(inArray(samples.groupId, ids))
    .orderBy(asc(samples.id))
    .all();
  return {
    rows: found.map((row) => ({
      ...row,
      members: members.filter(({ groupId }) => groupId === row.id),
    })),
    readings: given.map(({ tagging: { groupId, annotatorId, taggedSampleIds } }) => ({
      pairOrGroup: groupId,
      annotatorId,
      placeOf: (sampleId) => (taggedSampleIds.includes(sampleId) ? 2 : 1),
    })),
  };
}

function imagesOf(wanted: readonly [id: string, sampleIds: string[]][]) {
  const ids = wanted.flatMap(([, sampleIds]) => sampleIds);
  const blobs = new Map(
    db()
      .select({ id: samples.id, imageBlob: samples.imageBlob })
      .from(samples)
      .where(inArray(samples.id, ids))
      .all()
      .map((one) => [one.id, one]),
  );
  return new Map(
    wanted.map(([id, sampleIds]) => [id, sampleIds.map((sampleId) => blobs.get(sampleId)!)]),
  );
}
