import { desc, eq } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { type Method, methodNames, sourceOf } from '@/lib/methods';
import { analyticRewards, isAnalytic, type RewardTerm } from '@/lib/rewards';
import { isFinished } from '@/lib/rounds';
import type { RunMode } from '@/lib/runs';
import { knownSizes, sizeProblem } from '@/lib/settings/image-sizes';
import { lineageProblem, methodProblem, problemText } from '@/lib/settings/method-fit';
import { parseRunConfig, type RunConfig, type RunConfigInput } from '@/lib/settings/run-config';
import { prepareArchive, problemOf } from '../answers/archive';
import type { Prepared } from '../answers/training-data';
import { recordAudit } from '../audit';
import { db } from '../client';
import { newId } from '../ids';
import { servingIn } from '../policies/aliases';
import { baseIdIn, type Policy, policyIn } from '../policies/policies';
import { rewardModels } from '../schema/rewards';
import { type Round, type Run, runs } from '../schema/rounds';
import { immediate, one, read, type Steps, type Transaction } from '../transaction';
import { freezeOpened } from './advance';
import { moveRound, openRound, resumesFrom, setRunStatus } from './decisions';
import { getRound } from './rounds';
import { roundsIn, runIn } from './rows';

/**
 * Starts a run and its first round, from the policy served or from a given one of the same
 * pipeline. `createdBy` null: Darkroom itself. Throws 'bad-request' on a configuration that cannot
 * be, 'unprocessable' where a method that asks nobody finds nothing to train on.
 */
export async function startRun(input: {
  name: string;
  mode: RunMode;
  method: Method;
  pipeline: string;
  config: RunConfigInput;
  startPolicyId?: string;
  createdBy: string | null;
}): Promise<{ run: Run; round: Round }> {
  const config = parseRunConfig(input.config);
  if (!methodNames.includes(input.method)) {
    throw new AppError(
      'bad-request',
      `There is no method ${input.method}; choose one of ${methodNames.join(', ')}.`,
    );
  }
  const problem = methodProblem(input.method, input.mode, config);
  if (problem) throw new AppError('bad-request', problem);
  const now = Date.now();
  // What is refused is refused before an archive is read; under the lock, it is looked at again.
  const startPolicyId = (await read(checkedStart(db(), input, config))).id;
  const prepared = await archiveOrRefuse({ ...input, config, now, startPolicyId });
  const freezer = { token: newId(), at: Date.now() };
  const started = await immediate(function* (tx) {
    const startPolicy = yield* checkedStart(tx, input, config);
    const run = yield* one(
      tx
        .insert(runs)
        .values({
          id: newId(),
          name: input.name,
          mode: input.mode,
          method: input.method,
          pipeline: input.pipeline,
          config,
          status: 'active',
          createdBy: input.createdBy,
          createdAt: now,
        })
        .returning(),
    );
    const round = yield* openRound(tx, run, 1, now, startPolicy.id, freezer);
    yield* recordAudit(tx, { actorId: input.createdBy, action: 'run.start', subject: run.id });
    return { run, round };
  });
  return { ...started, round: await begun(started.round, now, prepared, freezer) };
}

/**
 * The policy that a run starts from, if it can be run with these settings. Throws 'bad-request'.
 */
function* checkedStart(
  tx: Transaction,
  input: Pick<Run, 'method' | 'pipeline'> & { startPolicyId?: string },
  { training, rewards, sampling }: RunConfig,
): Steps<Policy> {
  const start = input.startPolicyId
    ? yield* policyIn(tx, input.startPolicyId)
    : yield* servingIn(tx, input.pipeline);
  if (start.pipeline !== input.pipeline) {
    throw new AppError(
      'bad-request',
      `The policy ${start.name} belongs to the pipeline ${start.pipeline}, not to ${input.pipeline}.`,
    );
  }
  const misfit = lineageProblem(start.manifest.config?.training, training);
  if (misfit) throw new AppError('bad-request', misfit);
  const base = yield* policyIn(tx, yield* baseIdIn(tx, start.id));
  const unfit = sizeProblem(sampling, knownSizes(base.manifest));
  if (unfit) throw new AppError('bad-request', problemText(unfit));
  if (sourceOf(input.method) === 'reward') yield* checkRewards(tx, rewards, input.pipeline);
  return start;
}

/**
 * What a round that a person asks for is to train on, where its method learns from the archive.
 * Throws 'unprocessable' where there is nothing: then nothing is opened.
 */
async function archiveOrRefuse(
  asked: Parameters<typeof prepareArchive>[0],
): Promise<Prepared | undefined> {
  if (sourceOf(asked.method) !== 'archive') return undefined;
  const prepared = await prepareArchive(asked);
  const problem = problemOf(prepared.data);
  if (problem) throw new AppError('unprocessable', problem);
  return prepared;
}

/** A round that was opened, with its archive frozen where it needs one. */
async function begun(
  round: Round,
  now: number,
  prepared: Prepared | undefined,
  { token }: { token: string },
): Promise<Round> {
  if (!prepared) return round;
  // It is open: if freezing is interrupted, the trainer takes it up.
  await freezeOpened(round.id, now, { prepared, token }).catch(() => {});
  return getRound(round.id);
}

/**
 * Whether every reward model that a run names can be used with its pipeline. Throws 'bad-request'.
 */
function* checkRewards(
  tx: Transaction,
  terms: readonly RewardTerm[],
  pipeline: string,
): Steps<void> {
  for (const { model } of terms) {
    if (isAnalytic(model)) continue;
    const found = yield* one(tx.select().from(rewardModels).where(eq(rewardModels.id, model)));
    const problem = !found
      ? `There is no reward "${model}". Take ${Object.keys(analyticRewards).join(', ')}, or the id of a reward model.`
      : found.state !== 'ready'
        ? `The reward model ${found.source} ${found.version} is ${found.state}. Wait until it is ready, or choose another.`
        : found.pipeline !== pipeline
          ? `The reward model ${found.source} ${found.version} was learned on ${found.pipeline}, but the run draws with ${pipeline}. Train one for this pipeline.`
          : null;
    if (problem) throw new AppError('bad-request', problem);
  }
}

/** All runs, newest first. */
export async function listRuns(): Promise<Run[]> {
  return db().select().from(runs).orderBy(desc(runs.createdAt)).all();
}

/**
 * Goes on with a run: with its unfinished round, or, after a failed, cancelled or last round, with
 * a new one from the policy served.
 */
export async function resumeRun(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  const known = await read(runIn(db(), id));
  const next = mayResume(known) ? await read(nextRound(db(), known)) : null;
  const prepared = next
    ? await archiveOrRefuse({
        ...known,
        now,
        startPolicyId: next.from ?? (await read(servingIn(db(), known.pipeline))).id,
      })
    : undefined;
  const freezer = { token: newId(), at: Date.now() };
  const opened = await immediate(function* (tx) {
    const run = yield* runIn(tx, id);
    if (!mayResume(run)) return null;
    yield* setRunStatus(tx, run, 'active', now);
    const coming = yield* nextRound(tx, run);
    const round = coming && (yield* openRound(tx, run, coming.ordinal, now, coming.from, freezer));
    yield* recordAudit(tx, { actorId, action: 'run.resume', subject: id });
    return round;
  });
  if (opened) await begun(opened, now, prepared, freezer);
}

/** False: it goes on already. Throws 'conflict' where it never will. */
function mayResume(run: Run): boolean {
  if (run.status === 'active') return false;
  if (run.status === 'cancelled') {
    throw new AppError('conflict', `${run.name} was cancelled; start a new run instead.`);
  }
  return true;
}

/** The round to be opened when a run goes on; null: its last one has not ended. */
function* nextRound(
  tx: Transaction,
  run: Run,
): Steps<{ ordinal: number; from: string | undefined } | null> {
  const last = (yield* roundsIn(tx, run.id)).at(-1);
  if (!last) return { ordinal: 1, from: undefined };
  if (!isFinished(last.state)) return null;
  return { ordinal: last.ordinal + 1, from: yield* resumesFrom(tx, run, last) };
}

/** Ends a run and its unfinished round for good. Answers and policies are kept. */
export async function cancelRun(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate(function* (tx) {
    const run = yield* runIn(tx, id);
    if (run.status === 'cancelled') return;
    for (const round of yield* roundsIn(tx, id)) {
      if (!isFinished(round.state)) yield* moveRound(tx, round, 'cancelled', now);
    }
    yield* setRunStatus(tx, run, 'cancelled', now);
    yield* recordAudit(tx, { actorId, action: 'run.cancel', subject: id });
  });
}
