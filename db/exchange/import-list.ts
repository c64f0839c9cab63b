/** @file Imports as lists show them, a page at a time. */
import { and, count, desc, eq, lt, or, type SQL } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { db } from '../client';
import { imports } from '../schema/imports';
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
      policy: { id: policies.id, name: policies.name },
    })
    .from(imports)
    .innerJoin(policies, eq(policies.id, imports.policyId))
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
