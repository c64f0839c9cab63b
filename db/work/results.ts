/**
 * @file What follows from work that is done, in the transaction that ends it. Each throws
 * 'work-lost' after a takeover.
 */
import type { ImportReport, RewardReport } from '@/lib/rewards';
import { pipelineWorkKinds, rewardWorkKinds } from '@/lib/work';
import {
  type PipelineRegistration,
  registerAdapterIn,
  registerPipelineIn,
} from '../policies/pipeline-imports';
import { moveRewardModel } from '../rewards/reward-models';
import { completeRound, moveRound } from '../rounds/decisions';
import { roundIn } from '../rounds/rows';
import { type Claim, finishWork } from './queue';

/** All images and pairs are recorded: the round waits for people. */
export async function finishSampling(claim: Claim): Promise<void> {
  await finishWork(claim, ['sample'], function* (tx, { roundId }) {
    yield* moveRound(tx, yield* roundIn(tx, roundId!), 'labeling', Date.now());
  });
}

/** The trained policy is recorded (createPolicy): the round goes on to evaluate it. */
export async function finishTraining({
  resultPolicyId,
  manifest,
  ...claim
}: Claim & { resultPolicyId: string; manifest?: Record<string, unknown> }): Promise<void> {
  await finishWork(claim, ['train'], function* (tx, { roundId }) {
    const round = yield* roundIn(tx, roundId!);
    yield* moveRound(tx, round, 'evaluating', Date.now(), {
      resultPolicyId,
      manifest: { ...round.manifest, ...manifest },
    });
  });
}

/** The evaluation is recorded: the serving rule decides, an online run starts its next round. */
export async function finishEvaluation(claim: Claim): Promise<void> {
  await finishWork(claim, ['evaluate'], function* (tx, { roundId }) {
    return yield* completeRound(tx, yield* roundIn(tx, roundId!), Date.now());
  });
}

/** The reward model may be chosen: a learned one is in the blob store. */
export async function finishRewardModel({
  made,
  ...claim
}: Claim & {
  made: { blob: string; report: RewardReport } | { imported: ImportReport };
}): Promise<void> {
  await finishWork(claim, rewardWorkKinds, (tx, { rewardModelId }) =>
    moveRewardModel(tx, rewardModelId!, 'ready', made, Date.now()),
  );
}

/** The pipeline is known from now on, and its first policy may be trained. */
export async function finishPipelineImport({
  registered,
  ...claim
}: Claim & { registered: PipelineRegistration }): Promise<void> {
  await finishWork(claim, pipelineWorkKinds, (tx, { pipelineImportId }) =>
    registerPipelineIn(tx, pipelineImportId!, registered, Date.now()),
  );
}

/** A LoRA file is a policy from now on, that runs may start from. */
export async function finishAdapterImport({
  policyId,
  ...claim
}: Claim & { policyId: string }): Promise<void> {
  await finishWork(claim, pipelineWorkKinds, (tx, { pipelineImportId }) =>
    registerAdapterIn(tx, pipelineImportId!, policyId, Date.now()),
  );
}
