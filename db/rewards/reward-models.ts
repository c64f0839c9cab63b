import { and, asc, desc, eq, inArray, isNull, lt, or } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import {
  type ImportReport,
  isBeingMade,
  type RewardModelState,
  type RewardReport,
  type RewardSource,
  rewardModelName,
} from '@/lib/rewards';
import { recordAudit } from '../audit';
import { db } from '../client';
import { recordEvent } from '../events';
import { newId } from '../ids';
import { rewardModels } from '../schema/rewards';
import { workers } from '../schema/rounds';
import { immediate, type Transaction } from '../transaction';
import { takeoverMs } from '../work/queue';

export type RewardModel = typeof rewardModels.$inferSelect;

function announce(tx: Transaction, id: string, state: RewardModelState, now: number): void {
  recordEvent(
    tx,
    { kind: 'reward-model', payload: { rewardModelId: id, state }, roundId: null },
    now,
  );
}

/** Asks for a new version; a trainer takes it up. Throws 'conflict' while one of the same kind is on its way. */
export async function requestRewardModel(input: {
  pipeline: string;
  source: RewardSource;
  /** Of a model to be imported. */
  folder?: string;
  createdBy: string | null;
  now?: number;
}): Promise<RewardModel> {
  const { pipeline, source, folder, createdBy, now = Date.now() } = input;
  return immediate((tx) => {
    const last = tx
      .select()
      .from(rewardModels)
      .where(and(eq(rewardModels.pipeline, pipeline), eq(rewardModels.source, source)))
      .orderBy(desc(rewardModels.version))
      .limit(1)
      .get();
    if (last && isBeingMade(last.state)) {
      throw new AppError(
        'conflict',
        `${rewardModelName(last)} is being made. Wait for it or cancel it, then ask again.`,
      );
    }
    const model = tx
      .insert(rewardModels)
      .values({
        id: newId(),
        pipeline,
        source,
        version: (last?.version ?? 0) + 1,
        state: 'queued',
        until: now,
        folder: folder ?? null,
        createdBy,
        createdAt: now,
      })
      .returning()
      .get();
    announce(tx, model.id, 'queued', now);
    recordAudit(tx, { actorId: createdBy, action: 'reward-model.request', subject: model.id });
    return model;
  });
}

/** How often a model is taken up: what ended its trainer as often ends every one. */
const attemptsMax = 3;

/**
 * The oldest model to be trained, or null. One whose trainer has not been heard of for 30 s is taken over, and fails once
 * it has ended as many trainers or engines as it may.
 */
export async function claimRewardModel(
  workerId: string,
  now = Date.now(),
): Promise<RewardModel | null> {
  const waiting = (tx: Transaction) =>
    tx
      .select({ model: rewardModels })
      .from(rewardModels)
      .leftJoin(workers, eq(workers.id, rewardModels.claimedBy))
      .where(
        or(
          eq(rewardModels.state, 'queued'),
          and(
            eq(rewardModels.state, 'training'),
            or(isNull(workers.id), lt(workers.heartbeatAt, now - takeoverMs)),
          ),
        ),
      )
      .orderBy(asc(rewardModels.createdAt))
      .limit(1)
      .get()?.model;
  if (!waiting(db())) return null;
  return immediate((tx) => {
    for (;;) {
      const model = waiting(tx);
      if (!model) return null;
      if (model.attempts < attemptsMax) {
        const { id, attempts } = model;
        return change(tx, id, 'training', { claimedBy: workerId, attempts: attempts + 1 }, now);
      }
      const error = `Making it ended its trainer ${attemptsMax} times; most likely it needs more memory than this machine has. ${
        model.source === 'imported'
          ? 'Import a smaller model or one in half precision, or'
          : 'Close other programs, then train it again, or'
      } run the trainer on a larger machine.`;
      change(tx, model.id, 'failed', { claimedBy: null, error, finishedAt: now }, now);
    }
  });
}

function change(
  tx: Transaction,
  id: string,
  state: RewardModelState,
  patch: Partial<RewardModel>,
  now: number,
): RewardModel {
  announce(tx, id, state, now);
  return tx
    .update(rewardModels)
    .set({ ...patch, state })
    .where(eq(rewardModels.id, id))
    .returning()
    .get();
}

function endTraining(
  { id, workerId }: { id: string; workerId: string },
  state: RewardModelState,
  patch: (model: RewardModel) => Partial<RewardModel>,
): Promise<void> {
  const now = Date.now();
  return immediate((tx) => {
    const model = tx.select().from(rewardModels).where(eq(rewardModels.id, id)).get();
    if (model?.state !== 'training' || model.claimedBy !== workerId) {
      throw new AppError(
        'work-lost',
        `Reward model ${id} is no longer ${workerId}'s. Put it down and claim again.`,
      );
    }
    const finishedAt = isBeingMade(state) ? null : now;
    change(tx, id, state, { ...patch(model), claimedBy: null, finishedAt }, now);
  });
}

/** Asks no trainer any more: one that is at it notices, and puts it down. Throws 'not-found', 'conflict' where it has ended. */
export async function cancelRewardModel(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate((tx) => {
    const model = tx.select().from(rewardModels).where(eq(rewardModels.id, id)).get();
    if (!model) throw new AppError('not-found', `There is no reward model ${id}.`);
    if (!isBeingMade(model.state)) {
      throw new AppError(
        'conflict',
        `${rewardModelName(model)} is ${model.state}: there is nothing to cancel any more.`,
      );
    }
    change(tx, id, 'cancelled', { claimedBy: null, finishedAt: now }, now);
    recordAudit(tx, { actorId, action: 'reward-model.cancel', subject: id });
  });
}

/** The model may be chosen: a learned one is in the blob store. Throws 'work-lost' after a takeover. */
export async function finishRewardModel({
  made,
  ...claim
}: {
  id: string;
  workerId: string;
  made: { blob: string; report: RewardReport } | { imported: ImportReport };
}): Promise<void> {
  await endTraining(claim, 'ready', () => made);
}

/** Says why there is no model and what to do. Throws 'work-lost' after a takeover. */
export async function failRewardModel(input: {
  id: string;
  workerId: string;
  error: string;
}): Promise<void> {
  await endTraining(input, 'failed', () => ({ error: input.error }));
}

/**
 * Puts a model down for another trainer. `ended`: because its engine died; else the attempt does not count.
 * Throws 'work-lost' after a takeover.
 */
export async function releaseRewardModel({
  ended = false,
  ...claim
}: {
  id: string;
  workerId: string;
  ended?: boolean;
}): Promise<void> {
  await endTraining(claim, 'queued', ({ attempts }) => ({
    attempts: ended ? attempts : attempts - 1,
  }));
}

/** Throws 'not-found'. */
export async function getRewardModel(id: string): Promise<RewardModel> {
  const model = db().select().from(rewardModels).where(eq(rewardModels.id, id)).get();
  if (!model) throw new AppError('not-found', `There is no reward model ${id}.`);
  return model;
}

/** Newest first; of one pipeline, or in certain states, when asked. */
export async function listRewardModels({
  pipeline,
  states,
}: {
  pipeline?: string;
  states?: readonly RewardModelState[];
} = {}): Promise<RewardModel[]> {
  return db()
    .select()
    .from(rewardModels)
    .where(
      and(
        pipeline === undefined ? undefined : eq(rewardModels.pipeline, pipeline),
        states === undefined ? undefined : inArray(rewardModels.state, [...states]),
      ),
    )
    .orderBy(desc(rewardModels.createdAt), desc(rewardModels.version))
    .all();
}
