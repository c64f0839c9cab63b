/**
 * @file The kinds of work: how often each is taken up, and what becomes of the round, reward model
 * or import that it is about.
 */
import type { WorkKind } from '@/lib/work';
import { movePipelineImport } from '../policies/pipeline-imports';
import { moveRewardModel } from '../rewards/reward-models';
import { failRound } from '../rounds/decisions';
import { roundIn } from '../rounds/rows';
import type { work } from '../schema/rounds';
import type { Steps, Transaction } from '../transaction';

export type Work = typeof work.$inferSelect;

/** Within the queue's own transaction, each. */
interface Kind {
  /** Claims without a checkpoint in between after which it is given up: it ends its workers. */
  attemptsMax: number;
  /**
   * Why it was given up and what to do. @param error the last thing that a worker could say of it,
   * if anything
   */
  givenUp(error: string | null): string;
  /**
   * A worker has taken it up, or it waits for one again. Not given where what it is about says what
   * it waits for, not for whom: a round's state.
   */
  moved?(tx: Transaction, work: Work, to: 'claimed' | 'queued', now: number): Steps<unknown>;
  failed(tx: Transaction, work: Work, error: string, now: number): Steps<unknown>;
}

const roundAttemptsMax = 5;

const ofRound: Kind = {
  attemptsMax: roundAttemptsMax,
  givenUp: (error) =>
    error ??
    `The trainer stopped ${roundAttemptsMax} times in a row at this point, without a message. Look at its log (often: out of memory), then try again.`,
  failed: function* (tx, { roundId }, error, now) {
    return yield* failRound(tx, yield* roundIn(tx, roundId!), error, now);
  },
};

const rewardAttemptsMax = 3;

const ofRewardModel = (remedy: string): Kind => ({
  attemptsMax: rewardAttemptsMax,
  givenUp: () =>
    `Making it ended its trainer ${rewardAttemptsMax} times; most likely it needs more memory than this machine has. ${remedy}, or run the trainer on a larger machine.`,
  moved: (tx, { rewardModelId }, to, now) =>
    moveRewardModel(tx, rewardModelId!, to === 'claimed' ? 'training' : 'queued', {}, now),
  failed: (tx, { rewardModelId }, error, now) =>
    moveRewardModel(tx, rewardModelId!, 'failed', { error }, now),
});

const importAttemptsMax = 3;

const ofPipelineImport: Kind = {
  attemptsMax: importAttemptsMax,
  givenUp: (error) =>
    error ??
    `Trying it ended its trainer ${importAttemptsMax} times at this point; most likely the model needs more memory than this machine has. Close other programs and try again, or import it on a larger machine.`,
  moved: (tx, { pipelineImportId }, to, now) =>
    movePipelineImport(tx, pipelineImportId!, to === 'claimed' ? 'running' : 'queued', {}, now),
  failed: (tx, { pipelineImportId }, error, now) =>
    movePipelineImport(tx, pipelineImportId!, 'failed', { error }, now),
};

export const kinds: Record<WorkKind, Kind> = {
  sample: ofRound,
  train: ofRound,
  evaluate: ofRound,
  'learn-reward': ofRewardModel('Close other programs, then train it again'),
  'import-reward': ofRewardModel('Import a smaller model or one in half precision'),
  'import-pipeline': ofPipelineImport,
};
