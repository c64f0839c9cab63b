import { desc, eq } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { availableMethods, type Method, sourceOf } from '@/lib/methods';
import { analyticRewards, isAnalytic, type RewardTerm } from '@/lib/rewards';
import { isFinished } from '@/lib/rounds';
import type { RunMode } from '@/lib/runs';
import { lineageProblem, methodProblem } from '@/lib/settings/method-fit';
import { parseRunConfig, type RunConfigInput } from '@/lib/settings/run-config';
import { servingIn } from './aliases';
import { recordAudit } from './audit';
import { db } from './client';
import { newId } from './ids';
import { isImportRun } from './import-checks';
import { policyIn } from './policies';
import {
  moveRound,
  openRoundOrRefuse,
  type Round,
  type Run,
  roundsIn,
  runIn,
  setRunStatus,
} from './round-decisions';
import { rewardModels } from './schema/rewards';
import { runs } from './schema/rounds';
import { immediate, type Transaction } from './transaction';

export type { Run } from './round-decisions';

/**
 * Starts a run and its first round, from the policy served or from a given one of the same pipeline.
 * `createdBy` null: Darkroom itself. Throws 'bad-request' on a configuration that cannot be, 'unprocessable' where a method
 * that asks nobody finds nothing to train on.
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
  if (!availableMethods.includes(input.method)) {
    throw new AppError(
      'bad-request',
      `The method ${input.method} cannot be run yet; choose one of ${availableMethods.join(', ')}.`,
    );
  }
  const problem = methodProblem(input.method, input.mode, config);
  if (problem) throw new AppError('bad-request', problem);
  const now = Date.now();
  return immediate((tx) => {
    const startPolicy = input.startPolicyId
      ? policyIn(tx, input.startPolicyId)
      : servingIn(tx, input.pipeline);
    if (startPolicy.pipeline !== input.pipeline) {
      throw new AppError(
        'bad-request',
        `The policy ${startPolicy.name} belongs to the pipeline ${startPolicy.pipeline}, not to ${input.pipeline}.`,
      );
    }
    const misfit = lineageProblem(startPolicy.manifest.config?.training, config.training);
    if (misfit) throw new AppError('bad-request', misfit);
    if (sourceOf(input.method) === 'reward') checkRewards(tx, config.rewards, input.pipeline);
    const run = tx
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
      .returning()
      .get();
    const round = openRoundOrRefuse(tx, run, 1, now, startPolicy.id);
    recordAudit(tx, { actorId: input.createdBy, action: 'run.start', subject: run.id });
    return { run, round };
  });
}

/** Whether every reward model that a run names can be used with its pipeline. Throws 'bad-request'. */
function checkRewards(tx: Transaction, terms: readonly RewardTerm[], pipeline: string): void {
  for (const { model } of terms) {
    if (isAnalytic(model)) continue;
    const found = tx.select().from(rewardModels).where(eq(rewardModels.id, model)).get();
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

/** Throws 'not-found'. */
export async function getRun(id: string): Promise<Run> {
  return runIn(db(), id);
}

/** All runs, newest first. */
export async function listRuns(): Promise<Run[]> {
  return db().select().from(runs).orderBy(desc(runs.createdAt)).all();
}

/** Holds a run: no pairs are served, the trainer puts its work down at the next checkpoint. */
export async function pauseRun(id: string, actorId: string | null): Promise<void> {
  await immediate((tx) => {
    const run = runIn(tx, id);
    if (run.status === 'paused') return;
    if (run.status !== 'active') {
      throw new AppError(
        'conflict',
        `${run.name} is ${run.status}; only an active run can be paused.`,
      );
    }
    setRunStatus(tx, run, 'paused', Date.now());
    recordAudit(tx, { actorId, action: 'run.pause', subject: id });
  });
}

/**
 * Goes on with a run: with its unfinished round, or, after a failed, cancelled or last round, with a
 * new one from the policy served.
 */
export async function resumeRun(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate((tx) => {
    const run = runIn(tx, id);
    if (run.status === 'active') return;
    if (run.status === 'cancelled') {
      throw new AppError('conflict', `${run.name} was cancelled; start a new run instead.`);
    }
    if (isImportRun(run)) {
      throw new AppError(
        'conflict',
        `${run.name} holds answers given elsewhere and draws nothing; start a new run instead.`,
      );
    }
    setRunStatus(tx, run, 'active', now);
    const last = roundsIn(tx, id).at(-1);
    if (!last || isFinished(last.state)) {
      openRoundOrRefuse(tx, run, (last?.ordinal ?? 0) + 1, now);
    }
    recordAudit(tx, { actorId, action: 'run.resume', subject: id });
  });
}

/** Ends a run and its unfinished round for good. Answers and policies are kept. */
export async function cancelRun(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate((tx) => {
    const run = runIn(tx, id);
    if (run.status === 'cancelled') return;
    for (const round of roundsIn(tx, id)) {
      if (!isFinished(round.state)) moveRound(tx, round, 'cancelled', now);
    }
    setRunStatus(tx, run, 'cancelled', now);
    recordAudit(tx, { actorId, action: 'run.cancel', subject: id });
  });
}
