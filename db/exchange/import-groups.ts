/**
 * @file Groups of images that were tagged elsewhere: kept as groups and taggings of the round that
 * holds what was imported. All ids follow from what they name.
 */
import { inArray } from 'drizzle-orm';
import { amendAudit, recordAudit } from '../audit';
import { db } from '../client';
import { derivedId } from '../ids';
import { groups, samples, taggings } from '../schema/labels';
import { immediate, type Transaction } from '../transaction';
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
  all: readonly ImportedGroup[],
): Promise<ImportProblem[]> {
  return all.flatMap((group) =>
    knownTaggings(db(), [idsOfGroup(pipeline, group)]).flatMap(({ said, stored }) => {
      if (JSON.stringify(said.tagged) === JSON.stringify(stored)) return [];
      const message = `${said.userId} has tagged these images otherwise in an earlier import. Keep one of the two, or name the file otherwise.`;
      return [{ line: group.line, reason: 'contradiction' as const, message }];
    }),
  );
}

function knownTaggings(tx: Transaction, named: readonly ReturnType<typeof idsOfGroup>[]) {
  const said = named.flatMap((one) => one.taggings);
  const stored = tx
    .select({ id: taggings.id, tagged: taggings.taggedSampleIds })
    .from(taggings)
    .where(
      inArray(
        taggings.id,
        said.map(({ id }) => id),
      ),
    )
    .all();
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
  const { pipeline, source, groups: all, putImages } = input;
  const base = await baseForImport(pipeline);
  const now = Date.now();
  let added = 0;
  let entry: number | undefined;
  for (let first = 0; first < all.length; first += groupsPerTransaction) {
    const portion = all.slice(first, first + groupsPerTransaction);
    await putImages(portion);
    await immediate((tx) => {
      const named = portion.map((group) => ({ group, ids: idsOfGroup(pipeline, group) }));
      const known = new Set(
        knownTaggings(
          tx,
          named.map(({ ids }) => ids),
        ).map(({ said }) => said.id),
      );
      const fresh = named.flatMap(({ ids }) =>
        ids.taggings.flatMap((one) => (known.has(one.id) ? [] : [{ ...one, groupId: ids.group }])),
      );
      if (fresh.length === 0) return;
      const roundId = importRoundIn(tx, base, now);
      tx.insert(groups)
        .values(
          named.map(({ group: { prompt, images }, ids }) => ({
            ...{ id: ids.group, roundId, prompt, size: images.length, createdAt: now },
          })),
        )
        .onConflictDoNothing()
        .run();
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
      const { changes: images } = tx.insert(samples).values(members).onConflictDoNothing().run();
      storePeople(
        tx,
        fresh.map(({ annotatorId, userId }) => ({ id: annotatorId, userId })),
        now,
      );
      tx.insert(taggings)
        .values(
          fresh.map(({ id, groupId, annotatorId, tagged }) => ({
            ...{ id, groupId, annotatorId, taggedSampleIds: tagged, createdAt: now },
          })),
        )
        .run();
      added += fresh.length;
      noteSource(tx, roundId, source, { answers: fresh.length, images }, now);
      const detail = { ...source, answers: added };
      if (entry === undefined) {
        const action = 'answers.import';
        entry = recordAudit(tx, { actorId: null, action, subject: roundId, detail });
      } else amendAudit(tx, entry, detail);
    });
  }
  const taggingsSaid = all.reduce((sum, { readings }) => sum + readings.length, 0);
  return { added, known: taggingsSaid - added };
}
