import { and, desc, eq, inArray } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import {
  isBeingMade,
  type RewardModelState,
  type RewardSource,
  rewardModelName,
} from '@/lib/rewards';
import { recordAudit } from '../audit';
import { db } from '../client';
import { recordEvent } from '../events';
import { newId } from '../ids';
import { rewardModels } from '../schema/rewards';
import { change, immediate, one, type Steps, type Transaction } from '../transaction';
import { cancelWork, queueWork } from '../work/enqueue';

export type RewardModel = typeof rewardModels.$inferSelect;

function* announce(tx: Transaction, id: string, state: RewardModelState, now: number): Steps<void> {
  yield* recordEvent(
    tx,
    { kind: 'reward-model', payload: { rewardModelId: id, state }, roundId: null },
    now,
  );
}

/**
 * Asks for a new version; a trainer takes it up. Throws 'conflict' while one of the same kind is on
 * its way.
 */
export async function requestRewardModel(input: {
  pipeline: string;
  source: RewardSource;
  /** Of a model to be imported. */
  folder?: string;
  createdBy: string | null;
  now?: number;
}): Promise<RewardModel> {
  const { pipeline, source, folder, createdBy, now = Date.now() } = input;
  return immediate(function* (tx) {
    const last = yield* one(
      tx
        .select()
        .from(rewardModels)
        .where(and(eq(rewardModels.pipeline, pipeline), eq(rewardModels.source, source)))
        .orderBy(desc(rewardModels.version))
        .limit(1),
    );
    if (last && isBeingMade(last.state)) {
      throw new AppError(
        'conflict',
        `${rewardModelName(last)} is being made. Wait for it or cancel it, then ask again.`,
      );
    }
    const model = yield* one(
      tx
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
        .returning(),
    );
    const kind = source === 'imported' ? 'import-reward' : 'learn-reward';
    yield* queueWork(tx, { kind, rewardModelId: model.id }, now);
    yield* announce(tx, model.id, 'queued', now);
    yield* recordAudit(tx, {
      actorId: createdBy,
      action: 'reward-model.request',
      subject: model.id,
    });
    return model;
  });
}

/**
 * Within a decision: moves a model to another state and tells the pages. @param patch what is known
 * of it then
 */
export function* moveRewardModel(
  tx: Transaction,
  id: string,
  state: RewardModelState,
  patch: Partial<RewardModel>,
  now: number,
): Steps<void> {
  const finishedAt = isBeingMade(state) ? null : now;
  yield* change(
    tx
      .update(rewardModels)
      .set({ ...patch, state, finishedAt })
      .where(eq(rewardModels.id, id)),
  );
  yield* announce(tx, id, state, now);
}

/**
 * Asks no trainer any more: one that is at it notices, and puts it down. Throws 'not-found',
 * 'conflict' where it has ended.
 */
export async function cancelRewardModel(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate(function* (tx) {
    const model = yield* one(tx.select().from(rewardModels).where(eq(rewardModels.id, id)));
    if (!model) throw new AppError('not-found', `There is no reward model ${id}.`);
    if (!isBeingMade(model.state)) {
      throw new AppError(
        'conflict',
        `${rewardModelName(model)} is ${model.state}: there is nothing to cancel any more.`,
      );
    }
    yield* cancelWork(tx, { rewardModelId: id });
    yield* moveRewardModel(tx, id, 'cancelled', {}, now);
    yield* recordAudit(tx, { actorId, action: 'reward-model.cancel', subject: id });
  });
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
