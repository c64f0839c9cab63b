/** @file Policies as lists show them: without their manifests, some at a time. */
import {
  and,
  asc,
  count,
  desc,
  eq,
  exists,
  inArray,
  isNull,
  lt,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import { servingAlias } from '@/lib/policies';
import { db } from '../client';
import { alias, isTrue } from '../dialect';
import { samples } from '../schema/labels';
import { user } from '../schema/people';
import { aliases, policies } from '../schema/policies';
import { rounds, runs } from '../schema/rounds';
import { read, type Steps } from '../transaction';
import { type Policy, policyIn } from './policies';

/** Every pipeline that has a policy, the oldest first: each begins with its base. */
export async function listPipelines(): Promise<string[]> {
  const bases = db()
    .select({ pipeline: policies.pipeline })
    .from(policies)
    .where(isNull(policies.parentId))
    .orderBy(asc(policies.createdAt), asc(policies.id))
    .all();
  return [...new Set(bases.map(({ pipeline }) => pipeline))];
}

function listed(which: SQL | undefined) {
  return db()
    .select({
      id: policies.id,
      name: policies.name,
      parentId: policies.parentId,
      pipeline: policies.pipeline,
      isBase: isTrue(isNull(policies.adapterBlob)),
      serving: isTrue(
        sql`exists (select 1 from ${aliases} where ${aliases.policyId} = ${policies.id})`,
      ),
      roundId: policies.roundId,
      ordinal: rounds.ordinal,
      runName: runs.name,
      createdAt: policies.createdAt,
    })
    .from(policies)
    .leftJoin(rounds, eq(rounds.id, policies.roundId))
    .leftJoin(runs, eq(runs.id, rounds.runId))
    .where(which)
    .$dynamic();
}

type Row = ReturnType<ReturnType<typeof listed>['all']>[number];

/** A policy with the round that it comes from. */
export type ListedPolicy = Omit<Row, 'ordinal' | 'runName'> & {
  round: { id: string; ordinal: number; runName: string } | null;
};

function toListed({ ordinal, runName, ...row }: Row): ListedPolicy {
  const { roundId } = row;
  const isKnown = roundId !== null && ordinal !== null && runName !== null;
  return {
    ...row,
    round: isKnown ? { id: roundId, ordinal, runName } : null,
  };
}

export interface PoliciesPage {
  /** Oldest first, the newest of them all last, unless an earlier page was asked for. */
  policies: ListedPolicy[];
  /** Pass as `before` for those that came earlier; null where none did. */
  earlier: string | null;
  /** How many there are on all pages. */
  total: number;
}

/** Which policies: all of a pipeline, or those that have drawn images that count as their work. */
export function isOfPipeline(pipeline: string, drawn?: SQL): SQL | undefined {
  const hasDrawn =
    drawn &&
    exists(
      db()
        .select({ id: samples.id })
        .from(samples)
        .where(and(eq(samples.policyId, policies.id), drawn)),
    );
  return and(eq(policies.pipeline, pipeline), hasDrawn);
}

/**
 * The newest policies that `which` selects, or those before one of them. Throws 'not-found' for an
 * unknown `before`.
 */
export async function policiesPage({
  which,
  before,
  limit,
}: {
  which: SQL | undefined;
  before?: string;
  limit: number;
}): Promise<PoliciesPage> {
  const found = listed(
    and(which, before === undefined ? undefined : await read(cameBefore(before))),
  )
    .orderBy(desc(policies.createdAt), desc(policies.id))
    .limit(limit + 1)
    .all();
  const page = found.slice(0, limit).reverse();
  return {
    policies: page.map(toListed),
    earlier: found.length > limit ? page[0]!.id : null,
    total: db().select({ n: count() }).from(policies).where(which).get()?.n ?? 0,
  };
}

function* cameBefore(id: string): Steps<SQL | undefined> {
  const { createdAt } = yield* policyIn(db(), id);
  return or(
    lt(policies.createdAt, createdAt),
    and(eq(policies.createdAt, createdAt), lt(policies.id, id)),
  );
}

/** These policies, oldest first. */
export async function listedPolicies(which: SQL): Promise<ListedPolicy[]> {
  return listed(which).orderBy(asc(policies.createdAt), asc(policies.id)).all().map(toListed);
}

/** The oldest policy that `which` selects, or null. */
export async function firstPolicy(which: SQL | undefined): Promise<ListedPolicy | null> {
  const [first] = listed(which).orderBy(asc(policies.createdAt), asc(policies.id)).limit(1).all();
  return first ? toListed(first) : null;
}

/** The base policies of a pipeline: one, or more where its weights have changed. */
export const isBaseOf = (pipeline: string): SQL =>
  and(eq(policies.pipeline, pipeline), isNull(policies.parentId)) as SQL;

export const isChildOf = (id: string): SQL => eq(policies.parentId, id);

export const isAmong = (ids: readonly string[]): SQL => inArray(policies.id, [...ids]);

/**
 * From the base to the parent of a policy: ids alone, in one statement however many rounds lie
 * between.
 */
export async function ancestorsOf(id: string): Promise<{ id: string; name: string }[]> {
  return db().all<{ id: string; name: string }>(sql`
    with recursive line (id, name, parent_id, depth) as (
      select id, name, parent_id, 0 from policies where id = ${id}
      union all
      select p.id, p.name, p.parent_id, depth + 1 from policies p join line on p.id = line.parent_id
    )
    select id, name from line where depth > 0 order by depth desc`);
}

/**
 * What is served for a pipeline, what it was trained from, and who chose it (null: a run's rule).
 */
export async function servedFor(pipeline: string) {
  const parent = alias(policies, 'parent');
  const row = db()
    .select({
      policy: { id: policies.id, name: policies.name },
      parent: { id: parent.id, name: parent.name },
      setAt: aliases.setAt,
      setBy: user.name,
    })
    .from(aliases)
    .innerJoin(policies, eq(policies.id, aliases.policyId))
    .leftJoin(parent, eq(parent.id, policies.parentId))
    .leftJoin(user, eq(user.id, aliases.setBy))
    .where(eq(aliases.name, servingAlias(pipeline)))
    .get();
  return row ?? null;
}

/** Every policy of a pipeline by name alone, newest first. */
export async function policyNames(pipeline: string): Promise<{ id: string; name: string }[]> {
  return db()
    .select({ id: policies.id, name: policies.name })
    .from(policies)
    .where(eq(policies.pipeline, pipeline))
    .orderBy(desc(policies.createdAt), desc(policies.id))
    .all();
}

/** The policies without an adapter, of all pipelines, oldest first, with their manifests. */
export async function basePolicies(): Promise<Policy[]> {
  return db()
    .select()
    .from(policies)
    .where(isNull(policies.adapterBlob))
    .orderBy(asc(policies.createdAt), asc(policies.id))
    .all();
}
