/**
 * @file Groups of images that were tagged elsewhere: kept as groups and taggings of an import. All
 * ids follow from what they name.
 */
import { inArray } from 'drizzle-orm';
import { db } from '../client';
import { derivedId } from '../ids';
import { groups, samples, taggings } from '../schema/labels';
import { all, change, read, type Steps, type Transaction } from '../transaction';
import { type ImportedImage, type ImportProblem, importedPersonId } from './import-checks';
import { bringIn, type ImportSource, type Place, storePeople } from './import-rows';
import { baseForImport } from './imports';

const groupsPerTransaction = 10;

export interface ImportedGroup {
  /** Where it stands in its files, for errors. */
  line: number;
  prompt: string;
  images: readonly ImportedImage[];
  /** What each person said: which images are bad, by their place. */
  readings: readonly { userId: string; bad: readonly number[] }[];
}

/** A group is known by its prompt and its images in their order. */
function idsOfGroup(pipeline: string, { prompt, images, readings }: ImportedGroup) {
  const blobs = images.map(({ imageBlob }) => imageBlob);
  const group = derivedId('imported group', pipeline, prompt, ...blobs);
  const members = images.map((_, place) => derivedId('imported member', group, place));
  return {
    group,
    members,
    taggings: readings.map(({ userId, bad }) => ({
      id: derivedId('imported tagging', group, userId),
      userId,
      annotatorId: importedPersonId(userId),
      tagged: bad.map((place) => members[place]!),
    })),
  };
}

/** Which groups were tagged otherwise by the same person in an earlier import. */
export async function groupProblems(
  pipeline: string,
  given: readonly ImportedGroup[],
): Promise<ImportProblem[]> {
  const problems: ImportProblem[] = [];
  for (const group of given) {
    const known = await read(knownTaggings(db(), [idsOfGroup(pipeline, group)]));
    for (const { said, stored } of known) {
      if (JSON.stringify(said.tagged) === JSON.stringify(stored)) continue;
      const message = `${said.userId} has tagged these images otherwise in an earlier import. Keep one of the two, or name the file otherwise.`;
      problems.push({ line: group.line, reason: 'contradiction', message });
    }
  }
  return problems;
}

type GroupIds = ReturnType<typeof idsOfGroup>;

interface KnownTagging {
  said: GroupIds['taggings'][number];
  /** Ids of the samples tagged in what is stored. */
  stored: string[];
}

function* knownTaggings(tx: Transaction, named: readonly GroupIds[]): Steps<KnownTagging[]> {
  const said = named.flatMap((one) => one.taggings);
  const stored = yield* all(
    tx
      .select({ id: taggings.id, tagged: taggings.taggedSampleIds })
      .from(taggings)
      .where(
        inArray(
          taggings.id,
          said.map(({ id }) => id),
        ),
      ),
  );
  const tagged = new Map(stored.map((one) => [one.id, one.tagged]));
  return said.flatMap((one) => {
    const known = tagged.get(one.id);
    return known ? [{ said: one, stored: known }] : [];
  });
}

/**
 * Stores groups with their taggings; `groupProblems` has found none. @param putImages brings the
 * images of the next groups to the blob store
 */
export async function importGroups(input: {
  pipeline: string;
  source: ImportSource;
  groups: readonly ImportedGroup[];
  putImages: (groups: readonly ImportedGroup[]) => Promise<void>;
}): Promise<{ added: number; known: number }> {
  const { pipeline, source, groups: given, putImages } = input;
  const readings = given.flatMap((group) => group.readings);
  return bringIn({
    base: await baseForImport(pipeline),
    source,
    holds: {
      answers: readings.length,
      people: new Set(readings.map(({ userId }) => userId)).size,
    },
    items: given.map((group) => ({ ...group, ids: idsOfGroup(pipeline, group) })),
    atOnce: groupsPerTransaction,
    putImages,
    fresh: freshOf,
    store: storeGroups,
  });
}

type NamedGroup = ImportedGroup & { ids: GroupIds };

/** Groups with taggings that are not stored, and only these. */
function* freshOf(tx: Transaction, named: readonly NamedGroup[]): Steps<NamedGroup[]> {
  const known = yield* knownTaggings(
    tx,
    named.map(({ ids }) => ids),
  );
  const stored = new Set(known.map(({ said }) => said.id));
  return named.flatMap((group) => {
    const fresh = group.ids.taggings.filter(({ id }) => !stored.has(id));
    return fresh.length === 0 ? [] : [{ ...group, ids: { ...group.ids, taggings: fresh } }];
  });
}

/** Returns how many taggings and images are new. */
function* storeGroups(
  tx: Transaction,
  named: readonly NamedGroup[],
  { importId, base, now }: Place,
): Steps<{ answers: number; images: number }> {
  if (named.length === 0) return { answers: 0, images: 0 };
  yield* change(
    tx
      .insert(groups)
      .values(
        named.map(({ prompt, images, ids }) => ({
          ...{ id: ids.group, importId, prompt, size: images.length, createdAt: now },
        })),
      )
      .onConflictDoNothing(),
  );
  const members = named.flatMap(({ prompt, images, ids }) =>
    images.map((image, place) => ({
      id: ids.members[place]!,
      policyId: base.id,
      importId,
      groupId: ids.group,
      prompt,
      seed: 0,
      noiseSeed: 0,
      ...image,
      purpose: 'training' as const,
      createdAt: now,
    })),
  );
  const { changes: images } = yield* change(
    tx.insert(samples).values(members).onConflictDoNothing(),
  );
  const fresh = named.flatMap(({ ids }) =>
    ids.taggings.map((one) => ({ ...one, groupId: ids.group })),
  );
  yield* storePeople(
    tx,
    fresh.map(({ annotatorId, userId }) => ({ id: annotatorId, userId })),
    now,
  );
  yield* change(
    tx.insert(taggings).values(
      fresh.map(({ id, groupId, annotatorId, tagged }) => ({
        ...{ id, groupId, annotatorId, importId, taggedSampleIds: tagged, createdAt: now },
      })),
    ),
  );
  return { answers: fresh.length, images };
}
