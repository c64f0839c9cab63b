import { isDeepStrictEqual } from 'node:util';
import { and, asc, desc, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { type PolicyManifest, policyManifestSchema, servingAlias } from '@/lib/policies';
import { db } from '../client';
import { recordEvent } from '../events';
import { derivedId, newId } from '../ids';
import { aliases, policies } from '../schema/policies';
import {
  all,
  change,
  immediate,
  one,
  read,
  type Steps,
  statement,
  type Transaction,
} from '../transaction';

export type Policy = typeof policies.$inferSelect;

/**
 * The base policy of a pipeline, made on first sight and served if nothing is yet. A pipeline whose
 * weights (`hash`) have changed gets a new base policy beside the old one. One that is there learns
 * what its manifest lacks; its judge, its presets and what was found of it are what they are said
 * to be now. Throws
 * 'bad-request' for a manifest that cannot be.
 */
export async function ensureBasePolicy(input: BaseInput): Promise<Policy> {
  return immediate((tx) => ensureBasePolicyIn(tx, input));
}

interface BaseInput {
  pipeline: string;
  name: string;
  hash: string;
  manifest?: PolicyManifest;
}

/** As `newestBase`, within a decision. */
export function* ensureBasePolicyIn(tx: Transaction, input: BaseInput): Steps<Policy> {
  const now = Date.now();
  const manifest = manifestOf(input);
  const known = (yield* basesOfHashIn(tx, input.hash)).find(
    ({ pipeline }) => pipeline === input.pipeline,
  );
  if (known) {
    return yield* describedIn(tx, known, {
      ...manifest,
      ...known.manifest,
      ...declaredIn(manifest),
    });
  }
  const policy = yield* one(
    tx
      .insert(policies)
      .values({
        id: derivedId('base', input.pipeline, input.hash),
        name: input.name,
        parentId: null,
        pipeline: input.pipeline,
        adapterBlob: null,
        hash: input.hash,
        manifest,
        roundId: null,
        createdAt: now,
      })
      .returning(),
  );
  yield* change(
    tx
      .insert(aliases)
      .values({ name: servingAlias(input.pipeline), policyId: policy.id, setBy: null, setAt: now })
      .onConflictDoNothing(),
  );
  yield* recordEvent(tx, {
    kind: 'policy',
    payload: { policyId: policy.id, parentId: null },
    roundId: null,
  });
  return policy;
}

/**
 * Within a decision: the base policies made of the files of this hash, whatever they are called.
 */
export function* basesOfHashIn(tx: Transaction, hash: string): Steps<Policy[]> {
  return yield* basesIn(tx, eq(policies.hash, hash));
}

/** Within a decision: the base policies of a pipeline. */
export function* basesOfPipelineIn(tx: Transaction, pipeline: string): Steps<Policy[]> {
  return yield* basesIn(tx, eq(policies.pipeline, pipeline));
}

function* basesIn(tx: Transaction, which: SQL): Steps<Policy[]> {
  return yield* all(
    tx
      .select()
      .from(policies)
      .where(and(which, isNull(policies.adapterBlob)))
      .orderBy(asc(policies.createdAt), asc(policies.id)),
  );
}

/**
 * Within a decision: what is known of a policy that its manifest does not say yet, as of one that
 * is older than the question.
 */
function* completedIn(tx: Transaction, policy: Policy, notes: PolicyManifest): Steps<Policy> {
  return yield* describedIn(tx, policy, { ...notes, ...policy.manifest });
}

function* describedIn(tx: Transaction, policy: Policy, manifest: PolicyManifest): Steps<Policy> {
  if (isDeepStrictEqual(manifest, policy.manifest)) return policy;
  return yield* one(
    tx.update(policies).set({ manifest }).where(eq(policies.id, policy.id)).returning(),
  );
}

/** What a pipeline declares rather than remembers. */
function declaredIn({ judge, presets, found }: PolicyManifest): PolicyManifest {
  return { ...(judge && { judge }), ...(presets && { presets }), ...(found && { found }) };
}

function manifestOf({ pipeline, manifest = {} }: { pipeline: string; manifest?: PolicyManifest }) {
  const parsed = policyManifestSchema.safeParse(manifest);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new AppError(
    'bad-request',
    `What the pipeline ${pipeline} says of itself cannot be read. ${problems.join('; ')}`,
  );
}

/** Adds to a policy's manifest what it does not say yet. Throws 'not-found'. */
export async function completeManifest(id: string, notes: PolicyManifest): Promise<Policy> {
  return immediate(function* (tx) {
    return yield* completedIn(tx, yield* policyIn(tx, id), notes);
  });
}

/**
 * Adds a trained policy. The same id again returns the stored row: a resumed round repeats itself.
 */
export async function createPolicy(input: {
  id?: string;
  name: string;
  parentId: string;
  pipeline: string;
  adapterBlob: string;
  hash: string;
  manifest: PolicyManifest;
  roundId: string | null;
}): Promise<Policy> {
  return immediate(function* (tx) {
    const id = input.id ?? newId();
    const stored = yield* one(tx.select().from(policies).where(eq(policies.id, id)));
    if (stored) return stored;
    const policy = yield* one(
      tx
        .insert(policies)
        .values({ ...input, id, createdAt: Date.now() })
        .returning(),
    );
    yield* recordEvent(tx, {
      kind: 'policy',
      payload: { policyId: id, parentId: input.parentId },
      roundId: input.roundId,
    });
    return policy;
  });
}

/** Within a decision. Throws 'not-found'. */
export function* policyIn(tx: Transaction, id: string): Steps<Policy> {
  const policy = yield* one(tx.select().from(policies).where(eq(policies.id, id)));
  if (!policy) throw new AppError('not-found', `There is no policy ${id}.`);
  return policy;
}

/** Within a decision: the base policy that a policy descends from; its own id where it is one. */
export function* baseIdIn(tx: Transaction, id: string): Steps<string> {
  yield* policyIn(tx, id);
  const row = yield* one(
    statement<{ id: string }>(
      tx,
      sql`
    with recursive line (id, parent_id) as (
      select id, parent_id from policies where id = ${id}
      union all
      select p.id, p.parent_id from policies p join line on p.id = line.parent_id
    )
    select id from line where parent_id is null`,
    ),
  );
  return row!.id;
}

/**
 * The base policy that a policy descends from: those of one base share everything but an adapter.
 */
export async function baseIdOf(id: string): Promise<string> {
  return await read(baseIdIn(db(), id));
}

/** Throws 'not-found'. */
export async function getPolicy(id: string): Promise<Policy> {
  return await read(policyIn(db(), id));
}

/**
 * The policy without weights of its own that this one was trained from, round by round; the base of
 * a base is itself.
 */
export async function baseOf(policy: Policy): Promise<Policy> {
  return policy.parentId === null ? policy : getPolicy(await baseIdOf(policy.id));
}

/**
 * The base policy of a pipeline as it is now: its weights may have changed, and with them the base.
 * Throws 'not-found'.
 */
export async function newestBase(pipeline: string): Promise<Policy> {
  return read(newestBaseIn(db(), pipeline));
}

/** The base policy of a pipeline as it is now; undefined where there is none. */
export async function findNewestBase(pipeline: string): Promise<Policy | undefined> {
  return read(one(newestBaseOf(db(), pipeline)));
}

function newestBaseOf(tx: Transaction, pipeline: string) {
  return tx
    .select()
    .from(policies)
    .where(and(eq(policies.pipeline, pipeline), isNull(policies.adapterBlob)))
    .orderBy(desc(policies.createdAt), desc(policies.id))
    .limit(1);
}

/** As `newestBase`, within a decision. */
export function* newestBaseIn(tx: Transaction, pipeline: string): Steps<Policy> {
  const base = yield* one(newestBaseOf(tx, pipeline));
  if (base) return base;
  throw new AppError(
    'not-found',
    `There is no pipeline "${pipeline}" here. Add it: npm run policy:import -- FOLDER --name NAME.`,
  );
}

/** Every policy, oldest first, of one pipeline when asked; `parentId` makes it a tree. */
export async function listPolicies(pipeline?: string): Promise<Policy[]> {
  return db()
    .select()
    .from(policies)
    .where(pipeline === undefined ? undefined : eq(policies.pipeline, pipeline))
    .orderBy(asc(policies.createdAt), asc(policies.id))
    .all();
}
