/**
 * @file Imports of pipelines: asked for by a person, done by a trainer, and what they are
 * registered as.
 */
import { isDeepStrictEqual } from 'node:util';
import { and, desc, eq } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import {
  builtInSchema,
  type FoundPipeline,
  type ImportOptions,
  type ImportProgress,
  type ImportState,
  isBeingImported,
  nameOfFolder,
  pipelineNameProblem,
} from '@/lib/pipeline-imports';
import type { PolicyManifest } from '@/lib/policies';
import { recordAudit } from '../audit';
import { db } from '../client';
import { recordEvent } from '../events';
import { newId } from '../ids';
import { pipelineImports } from '../schema/pipeline-imports';
import { change, immediate, one, read, type Steps, type Transaction } from '../transaction';
import { cancelWork, queueWork } from '../work/enqueue';
import { placing } from './pipeline-folders';
import { basesOfHashIn, basesOfPipelineIn, ensureBasePolicyIn, type Policy } from './policies';

export type PipelineImport = typeof pipelineImports.$inferSelect;

function* announce(
  tx: Transaction,
  importId: string,
  state: ImportState,
  now: number,
): Steps<void> {
  yield* recordEvent(
    tx,
    { kind: 'pipeline-import', payload: { importId, state }, roundId: null },
    now,
  );
}

/**
 * Asks for a folder to be imported; a trainer takes it up. One that is on its way already is given
 * back as it is. Throws 'bad-request' for what cannot be a name. @param folder the whole path, or
 * the name of an uploaded file
 */
export async function requestPipelineImport(input: {
  folder: string;
  options: ImportOptions;
  createdBy: string | null;
  now?: number;
}): Promise<PipelineImport> {
  const { folder, options, createdBy, now = Date.now() } = input;
  return immediate(function* (tx) {
    if (options.adapterOf === undefined) yield* refuseName(tx, options.name);
    const last = yield* one(
      tx
        .select()
        .from(pipelineImports)
        .where(eq(pipelineImports.folder, folder))
        .orderBy(desc(pipelineImports.createdAt), desc(pipelineImports.id))
        .limit(1),
    );
    // A LoRA file may be taken up for several bases, and uploads of one name hold other bytes.
    const isSame =
      last?.options.adapterOf === options.adapterOf &&
      isDeepStrictEqual(last?.options.upload, options.upload);
    if (last && isSame && isBeingImported(last.state)) return last;
    // Asked for again as it was: it goes on where it stopped.
    const isAgain = last?.createdBy === createdBy && isDeepStrictEqual(last.options, options);
    if (last && isAgain && last.state !== 'ready') return yield* queueAgain(tx, last.id, now);
    const id = newId();
    const made = yield* one(
      tx
        .insert(pipelineImports)
        .values({ id, folder, options, state: 'queued', createdBy, createdAt: now })
        .returning(),
    );
    yield* queueWork(tx, { kind: 'import-pipeline', pipelineImportId: id }, now);
    yield* announce(tx, id, 'queued', now);
    yield* recordAudit(tx, { actorId: createdBy, action: 'pipeline.import', subject: id });
    return made;
  });
}

/**
 * Within a decision: moves an import to another state and tells the pages. @param patch what is
 * known of it then
 */
export function* movePipelineImport(
  tx: Transaction,
  id: string,
  state: ImportState,
  patch: Partial<PipelineImport>,
  now: number,
): Steps<void> {
  const finishedAt = isBeingImported(state) ? null : now;
  yield* change(
    tx
      .update(pipelineImports)
      .set({ ...patch, state, finishedAt })
      .where(eq(pipelineImports.id, id)),
  );
  yield* announce(tx, id, state, now);
}

/** Says how far it is, and which image it drew. */
export async function noteImportProgress(
  id: string,
  noted: { progress: ImportProgress; imageBlob?: string },
): Promise<void> {
  await immediate(function* (tx) {
    const { state } = yield* importIn(tx, id);
    yield* change(tx.update(pipelineImports).set(noted).where(eq(pipelineImports.id, id)));
    yield* announce(tx, id, state, Date.now());
  });
}

/** Throws 'not-found', 'conflict' where it has ended. */
export async function cancelPipelineImport(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate(function* (tx) {
    const { state, folder } = yield* importIn(tx, id);
    if (!isBeingImported(state)) {
      throw new AppError(
        'conflict',
        `The import of ${folder} is ${state}: there is nothing to cancel any more.`,
      );
    }
    yield* cancelWork(tx, { pipelineImportId: id });
    yield* movePipelineImport(tx, id, 'cancelled', {}, now);
    yield* recordAudit(tx, { actorId, action: 'pipeline.import.cancel', subject: id });
  });
}

/** Tries again what failed or was cancelled, from where it stopped. Throws 'conflict' else. */
export async function retryPipelineImport(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate(function* (tx) {
    const { state, folder } = yield* importIn(tx, id);
    if (state !== 'failed' && state !== 'cancelled') {
      throw new AppError(
        'conflict',
        `The import of ${folder} is ${state}: only one that failed or was cancelled is tried again.`,
      );
    }
    yield* queueAgain(tx, id, now);
    yield* recordAudit(tx, { actorId, action: 'pipeline.import.retry', subject: id });
  });
}

function* queueAgain(tx: Transaction, id: string, now: number): Steps<PipelineImport> {
  yield* queueWork(tx, { kind: 'import-pipeline', pipelineImportId: id }, now);
  yield* movePipelineImport(tx, id, 'queued', { error: null }, now);
  return yield* importIn(tx, id);
}

/** What is not known by a name yet must look well under it. Throws 'bad-request'. */
function* refuseName(tx: Transaction, name: string | null): Steps<void> {
  if (name === null || (yield* basesOfPipelineIn(tx, name)).length > 0) return;
  const problem = pipelineNameProblem(name);
  if (problem) throw new AppError('bad-request', problem);
}

function* importIn(tx: Transaction, id: string): Steps<PipelineImport> {
  const found = yield* one(tx.select().from(pipelineImports).where(eq(pipelineImports.id, id)));
  if (found) return found;
  throw new AppError('not-found', `There is no import ${id}.`);
}

/** Throws 'not-found'. */
export async function getPipelineImport(id: string): Promise<PipelineImport> {
  return await read(importIn(db(), id));
}

/** The newest imports, newest first. */
export async function listPipelineImports(limit: number): Promise<PipelineImport[]> {
  return db()
    .select()
    .from(pipelineImports)
    .orderBy(desc(pipelineImports.createdAt), desc(pipelineImports.id))
    .limit(limit)
    .all();
}

/** The last import that was registered as this policy, or null. */
export async function importOfPolicy(policyId: string): Promise<PipelineImport | null> {
  const found = db()
    .select()
    .from(pipelineImports)
    .where(and(eq(pipelineImports.policyId, policyId), eq(pipelineImports.state, 'ready')))
    .orderBy(desc(pipelineImports.finishedAt))
    .limit(1)
    .get();
  return found ?? null;
}

/** Whether an import drew this image. */
export async function isImportImage(hash: string): Promise<boolean> {
  const found = db()
    .select({ id: pipelineImports.id })
    .from(pipelineImports)
    .where(eq(pipelineImports.imageBlob, hash))
    .limit(1)
    .get();
  return found !== undefined;
}

type NameOptions = Pick<ImportOptions, 'name' | 'add' | 'builtIn'>;

/** What files are called here, and the base policy that was made of them, if one was. */
export interface PipelineName {
  name: string;
  known: Policy | null;
}

/**
 * What a pipeline of this hash is to be called. Files that are known keep their name, unless
 * another is asked for. Throws 'conflict' where the name belongs to other files, with both hashes
 * and the remedy.
 */
export async function namePipeline(
  hash: string,
  folder: string,
  options: NameOptions,
): Promise<PipelineName> {
  return await read(nameIn(db(), hash, folder, options));
}

function* nameIn(
  tx: Transaction,
  hash: string,
  folder: string,
  { name: wanted, add, builtIn }: NameOptions,
): Steps<PipelineName> {
  const short = (text: string) => text.slice(0, 12);
  const ofHash = yield* basesOfHashIn(tx, hash);
  const known = ofHash.find(({ pipeline }) => wanted === null || pipeline === wanted);
  if (known) return { name: known.pipeline, known };
  const [other] = ofHash;
  if (other && !add) {
    throw new AppError(
      'conflict',
      `The files in ${folder} (hash ${short(hash)}) are those of the pipeline "${other.pipeline}". To say that it lies there now, leave --name out; to take them up under another name, too, add --add.`,
    );
  }
  const name = wanted ?? nameOfFolder(folder);
  const others = yield* basesOfPipelineIn(tx, name);
  if (name === 'hands' || (builtInSchema.safeParse(name).success && name !== builtIn)) {
    throw new AppError(
      'conflict',
      `The name ${name} belongs to the built-in pipeline, and the files in ${folder} (hash ${short(hash)}) are others. Give them another name (--name).`,
    );
  }
  // What Darkroom makes changes with it.
  if (others.length > 0 && !add && builtIn === undefined) {
    const hashes = others.map((base) => short(base.hash)).join(' or ');
    throw new AppError(
      'conflict',
      `The files in ${folder} (hash ${short(hash)}) are not those of the pipeline "${name}" (hash ${hashes}): they have changed, or are another model. Give the folder that holds those (${placing(name)}), another name (--name NAME), or, to train these files as a new base policy of that name, --add.`,
    );
  }
  return { name, known: null };
}

/** Within the decision that ends the import of a LoRA file: it is this policy now. */
export function* registerAdapterIn(
  tx: Transaction,
  importId: string,
  policyId: string,
  now: number,
): Steps<void> {
  yield* movePipelineImport(tx, importId, 'ready', { policyId, error: null }, now);
}

/** What is known of a pipeline that is to be registered. */
export interface PipelineRegistration {
  hash: string;
  manifest: PolicyManifest & { found: FoundPipeline };
}

/**
 * Within the decision that ends an import: its base policy is made, or learns what was found.
 * Throws 'conflict' where somebody has given its name to other files meanwhile.
 */
export function* registerPipelineIn(
  tx: Transaction,
  importId: string,
  { hash, manifest }: PipelineRegistration,
  now: number,
): Steps<void> {
  const { folder, options } = yield* importIn(tx, importId);
  const { name } = yield* nameIn(tx, hash, folder, options);
  const policy = yield* ensureBasePolicyIn(tx, { pipeline: name, name, hash, manifest });
  yield* movePipelineImport(
    tx,
    importId,
    'ready',
    { policyId: policy.id, found: manifest.found, error: null },
    now,
  );
}
