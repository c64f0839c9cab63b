/**
 * @file Groups of images that were tagged elsewhere: kept as groups and taggings of the round that
 * holds what was imported. All ids follow from what they name.
 */
import { inArray } from 'drizzle-orm';
import { amendAudit, recordAudit } from '../audit';
import { db } from '../client';
import { derivedId } from '../ids';
import { groups, samples, taggings } from '../schema/labels';
import { all, change, immediate, read, type Steps, type Transaction } from '../transaction';
import { type ImportedImage, type ImportProblem, importedPersonId } from './import-checks';
import { type ImportSource, importRoundIn, noteSource, storePeople } from './import-round';
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
 * Stores groups with their taggings, a few in a transaction; `groupProblems` has found none. What
 * is stored already stays. @param putImages brings the images of the next groups to the blob store
 */
export async function importGroups(input: {
  pipeline: string;
  source: ImportSource;
  groups: readonly ImportedGroup[];
  putImages: (groups: readonly ImportedGroup[]) => Promise<void>;
}): Promise<{ added: number; known: number }> {
  const { pipeline, source, groups: given, putImages } = input;
  const base = await baseForImport(pipeline);
  const now = Date.now();
  let added = 0;
  let entry: number | undefined;
  for (let first = 0; first < given.length; first += groupsPerTransaction) {
    const portion = given.slice(first, first + groupsPerTransaction);
    await putImages(portion);
    await immediate(function* (tx) {
      const named = portion.map((group) => ({ group, ids: idsOfGroup(pipeline, group) }));
      const known = new Set(
        (yield* knownTaggings(
          tx,
          named.map(({ ids }) => ids),
        )).map(({ said }) => said.id),
      );
      const fresh = named.flatMap(({ ids }) =>
        ids.taggings.flatMap((one) => (known.has(one.id) ? [] : [{ ...one, groupId: ids.group }])),
      );
      if (fresh.length === 0) return;
      const roundId = yield* importRoundIn(tx, base, now);
      yield* change(
        tx
          .insert(groups)
          .values(
            named.map(({ group: { prompt, images }, ids }) => ({
              ...{ id: ids.group, roundId, prompt, size: images.length, createdAt: now },
            })),
          )
          .onConflictDoNothing(),
      );
      const members = named.flatMap(({ group, ids }) =>
        group.images.map((image, place) => ({
          id: ids.members[place]!,
          policyId: base.id,
          roundId,
          groupId: ids.group,
          prompt: group.prompt,
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
      yield* storePeople(
        tx,
        fresh.map(({ annotatorId, userId }) => ({ id: annotatorId, userId })),
        now,
      );
      yield* change(
        tx.insert(taggings).values(
          fresh.map(({ id, groupId, annotatorId, tagged }) => ({
            ...{ id, groupId, annotatorId, taggedSampleIds: tagged, createdAt: now },
          })),
        ),
      );
      added += fresh.length;
      yield* noteSource(tx, roundId, source, { answers: fresh.length, images }, now);
      const detail = { ...source, answers: added };
      if (entry === undefined) {
        const action = 'answers.import';
        entry = yield* recordAudit(tx, { actorId: null, action, subject: roundId, detail });
      } else yield* amendAudit(tx, entry, detail);
    });
  }
  const taggingsSaid = given.reduce((sum, { readings }) => sum + readings.length, 0);
  return { added, known: taggingsSaid - added };
}
