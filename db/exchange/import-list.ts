/** @file Imports as lists show them, and what came with one, a page at a time. */
import { and, asc, count, desc, eq, gt, inArray, isNull, lt, or, type SQL } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { db } from '../client';
import { imports } from '../schema/imports';
import { groups, pairs, preferences, type Sample, samples, taggings } from '../schema/labels';
import { user } from '../schema/people';
import { policies } from '../schema/policies';

function listed(which: SQL | undefined) {
  return db()
    .select({
      id: imports.id,
      pipeline: imports.pipeline,
      source: imports.source,
      format: imports.format,
      offered: imports.offered,
      answers: imports.answers,
      images: imports.images,
      people: imports.people,
      createdAt: imports.createdAt,
      finishedAt: imports.finishedAt,
      createdBy: user.name,
      policy: { id: policies.id, name: policies.name },
    })
    .from(imports)
    .innerJoin(policies, eq(policies.id, imports.policyId))
    .leftJoin(user, eq(user.id, imports.createdBy))
    .where(which)
    .orderBy(desc(imports.createdAt), desc(imports.id))
    .$dynamic();
}

export type ListedImport = ReturnType<ReturnType<typeof listed>['all']>[number];

/** One import as lists show it. Throws 'not-found'. */
export async function listedImport(id: string): Promise<ListedImport> {
  const [found] = listed(eq(imports.id, id)).all();
  if (!found) throw new AppError('not-found', `There is no import ${id}.`);
  return found;
}

export interface ImportsPage {
  imports: ListedImport[];
  total: number;
  /** Pass as `after` to go on; null at the end. */
  next: string | null;
}

/** Imports, newest first. Throws 'not-found' for an unknown `after`. */
export async function importsPage({
  after,
  limit,
}: {
  after?: string;
  limit: number;
}): Promise<ImportsPage> {
  const last = after === undefined ? undefined : await listedImport(after);
  const rest =
    last &&
    or(
      lt(imports.createdAt, last.createdAt),
      and(eq(imports.createdAt, last.createdAt), lt(imports.id, last.id)),
    );
  const found = listed(rest)
    .limit(limit + 1)
    .all();
  return {
    imports: found.slice(0, limit),
    total: db().select({ n: count() }).from(imports).get()?.n ?? 0,
    next: found.length > limit ? found[limit - 1]!.id : null,
  };
}

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

/** Pairs of an import in the order of their ids, with the answers that stand. */
export async function importedPairs(page: Page): Promise<ImportedItem[]> {
  const found = db()
    .select()
    .from(pairs)
    .where(and(eq(pairs.importId, page.importId), gt(pairs.id, page.after)))
    .orderBy(asc(pairs.id))
    .limit(page.limit)
    .all();
  const ids = found.map(({ id }) => id);
  const answers = db()
    .select()
    .from(preferences)
    .where(and(inArray(preferences.pairId, ids), isNull(preferences.supersededAt)))
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

/** Groups of an import in the order of their ids, with the taggings that stand. */
export async function importedGroups(page: Page): Promise<ImportedItem[]> {
  const found = db()
    .select()
    .from(groups)
    .where(and(eq(groups.importId, page.importId), gt(groups.id, page.after)))
    .orderBy(asc(groups.id))
    .limit(page.limit)
    .all();
  const ids = found.map(({ id }) => id);
  const given = db()
    .select()
    .from(taggings)
    .where(and(inArray(taggings.groupId, ids), isNull(taggings.supersededAt)))
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

/** How many pairs and groups came with an import. */
export async function countItems(importId: string): Promise<number> {
  const of = (table: typeof pairs | typeof groups) =>
    db().select({ n: count() }).from(table).where(eq(table.importId, importId)).get()?.n ?? 0;
  return of(pairs) + of(groups);
}
