/**
 * @file Makes the reward models that are asked for, beside the rounds and never in their place: an import may take long, or
 * more memory than there is.
 */
import type { Logger } from 'pino';
import {
  claimRewardModel,
  failRewardModel,
  finishRewardModel,
  getRewardModel,
  type RewardModel,
  releaseRewardModel,
} from '@/db/rewards/reward-models';
import { Engine } from '@/trainer/runtime/engine';
import { makeRewardModel } from '../rewards/make-model';
import type { ChosenDevice } from './device';
import { explainFailure, mayPass } from './failure';
import { insist, isLost, lookForWork, pause, pollMs } from './work-loop';

/** How often it is asked whether the model is still wanted. */
const lookMs = 1000;

export class RewardModelMaker {
  constructor(
    private readonly workerId: string,
    private readonly device: ChosenDevice,
    private readonly log: Logger,
  ) {}

  /** Works until `stopping`; then the model in the making is put back. */
  async run(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const model = await lookForWork(() => claimRewardModel(this.workerId), this.log);
      if (model) await this.#make(model, stopping);
      else await pause(pollMs, stopping);
    }
  }

  /** Interrupted, it is made from the start, to the same result. */
  async #make(model: RewardModel, stopping: AbortSignal): Promise<void> {
    const log = this.log.child({ rewardModel: model.id });
    const claim = { id: model.id, workerId: this.workerId };
    const unwanted = new AbortController();
    const ended = AbortSignal.any([stopping, unwanted.signal]);
    const looking = setInterval(() => {
      isStillMaking(claim).then(
        (wanted) => wanted || unwanted.abort(),
        (error: unknown) => log.warn({ error }, 'could not ask whether it is still wanted'),
      );
    }, lookMs);
    log.info('making a reward model');
    let engine: Engine | undefined;
    const stop = () => engine?.close();
    ended.addEventListener('abort', stop);
    try {
      engine = await Engine.open({ device: this.device.device });
      ended.throwIfAborted();
      await finishRewardModel({ ...claim, made: await makeRewardModel(model, engine, ended) });
      log.info('done');
    } catch (thrown) {
      await insist(() => report(claim, thrown, ended, log), stopping, log);
    } finally {
      clearInterval(looking);
      ended.removeEventListener('abort', stop);
      await engine?.close();
    }
  }
}

async function report(
  claim: { id: string; workerId: string },
  thrown: unknown,
  ended: AbortSignal,
  log: Logger,
): Promise<void> {
  if (isLost(thrown)) return;
  if (ended.aborted) return releaseRewardModel(claim);
  if (mayPass(thrown)) {
    log.warn({ error: thrown }, 'put back, to be tried again');
    return releaseRewardModel({ ...claim, ended: true });
  }
  log.error({ error: thrown }, 'failed');
  await failRewardModel({ ...claim, error: explainFailure(thrown) });
}

async function isStillMaking({ id, workerId }: { id: string; workerId: string }) {
  const { state, claimedBy } = await getRewardModel(id);
  return state === 'training' && claimedBy === workerId;
}
