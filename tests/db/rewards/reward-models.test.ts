import { describe, expect, it } from 'vitest';
import { newId } from '@/db/ids';
import {
  cancelRewardModel,
  getRewardModel,
  listRewardModels,
  requestRewardModel,
} from '@/db/rewards/reward-models';
import { startRun } from '@/db/rounds/runs';
import { claimWork, failWork, heartbeatWork, releaseWork } from '@/db/work/queue';
import { finishRewardModel } from '@/db/work/results';
import { registerWorker, removeWorker } from '@/db/work/workers';
import { plainTerm, type RewardReport } from '@/lib/rewards';
import { rewardWorkKinds } from '@/lib/work';
import { makeRun, withTemporaryHome } from '../support';

withTemporaryHome();

const report: RewardReport = {
  examples: 30,
  annotators: 2,
  ties: 0,
  until: 0,
  heldOut: { count: 20, n: 30 },
  ceiling: { count: 8, n: 10 },
  calibration: [],
  warnings: [],
};

const made = { blob: 'abc', report };

async function worker(): Promise<string> {
  const id = newId();
  await registerWorker({ id, pid: 1, host: 'test', device: 'cpu' });
  return id;
}

/** A model that this trainer is to make now, and its claim. */
async function claimModel(workerId: string, now?: number) {
  const claimed = await claimWork({ workerId, kinds: rewardWorkKinds, now });
  return claimed && { ...claimed.rewardModel, claim: { workId: claimed.work.id, workerId } };
}

/** A trainer after which nothing waits of what other tests asked for. */
async function idleWorker(): Promise<string> {
  const workerId = await worker();
  for (;;) {
    const model = await claimModel(workerId);
    if (!model) return workerId;
    await failWork({ ...model.claim, error: 'another test' });
  }
}

const request = (pipeline: string) =>
  requestRewardModel({ pipeline, source: 'picks', createdBy: null });

describe('reward models', () => {
  it('count versions by pipeline, one on its way at a time', async () => {
    const pipeline = newId();
    const first = await request(pipeline);
    expect(first).toMatchObject({ version: 1, state: 'queued' });
    await expect(request(pipeline)).rejects.toThrow(/Picks 1 is being made/);
    expect((await request(newId())).version).toBe(1);
    const workerId = await worker();
    for (;;) {
      const claimed = await claimModel(workerId);
      if (!claimed) break;
      await finishRewardModel({ ...claimed.claim, made });
    }
    expect((await request(pipeline)).version).toBe(2);
    const states = (await listRewardModels({ pipeline })).map(({ state }) => state);
    expect(states).toEqual(['queued', 'ready']);
  });

  it('are taken over from a trainer that ended or fell silent, which then may not report', async () => {
    await idleWorker();
    const model = await request(newId());
    const [first, second, third] = [await worker(), await worker(), await worker()];
    const lost = await claimModel(first);
    expect(lost).toMatchObject({ id: model.id, state: 'training' });
    expect(await claimModel(second)).toBeNull();
    await removeWorker(first);
    expect((await getRewardModel(model.id)).state).toBe('queued');
    const taken = await claimModel(second);
    expect(taken?.id).toBe(model.id);
    await expect(finishRewardModel({ ...lost!.claim, made })).rejects.toMatchObject({
      code: 'work-lost',
    });
    const now = Date.now();
    expect(await heartbeatWork({ ...taken!.claim, now })).toEqual({ proceed: true });
    expect(await claimModel(third, now + 29_000)).toBeNull();
    const last = await claimModel(third, now + 31_000);
    expect(last?.id).toBe(model.id);
    await releaseWork(last!.claim);
    expect((await getRewardModel(model.id)).state).toBe('queued');
  });

  it('fail after three trainers or engines, and not by orderly stops', async () => {
    const workerId = await idleWorker();
    const model = await request(newId());
    for (let stop = 0; stop < 5; stop++) {
      const stopped = await claimModel(workerId);
      expect(stopped?.id).toBe(model.id);
      await releaseWork(stopped!.claim);
    }
    const ended = await claimModel(workerId);
    expect(ended?.id).toBe(model.id);
    await releaseWork({ ...ended!.claim, error: 'The engine was ended by SIGKILL.' });
    for (let death = 0; death < 2; death++) {
      const mortal = await worker();
      expect((await claimModel(mortal))?.id).toBe(model.id);
      await removeWorker(mortal);
    }
    const next = await request(newId());
    const claimed = await claimModel(workerId);
    expect(claimed?.id).toBe(next.id);
    await failWork({ ...claimed!.claim, error: 'enough' });
    expect(await getRewardModel(model.id)).toMatchObject({
      state: 'failed',
      finishedAt: expect.any(Number),
      error: expect.stringMatching(/ended its trainer 3 times.+memory.+Close other programs/),
    });
  });

  it('are cancelled on their way, and not later', async () => {
    const pipeline = newId();
    const [workerId, actorId] = [await idleWorker(), null];
    const waiting = await request(pipeline);
    await cancelRewardModel(waiting.id, actorId);
    expect(await claimModel(workerId)).toBeNull();
    await expect(cancelRewardModel(waiting.id, actorId)).rejects.toThrow(/Picks 1 is cancelled/);

    const claimed = await request(pipeline);
    const { claim } = (await claimModel(workerId))!;
    await cancelRewardModel(claimed.id, actorId);
    expect(await heartbeatWork(claim)).toEqual({ proceed: false, because: 'cancelled' });
    await expect(finishRewardModel({ ...claim, made })).rejects.toMatchObject({
      code: 'work-lost',
    });
    expect((await getRewardModel(claimed.id)).state).toBe('cancelled');
    expect((await request(pipeline)).version).toBe(3);
  });

  it('can be named by a run only when ready, and only on their pipeline', async () => {
    const { pipeline } = await makeRun();
    const other = await makeRun();
    const model = await request(pipeline);
    const start = (rewards: { model: string }[], on = pipeline) =>
      startRun({
        name: 'by reward',
        mode: 'single',
        method: 'draft',
        pipeline: on,
        config: { prompts: ['1 hand'], evaluationPrompts: ['1 hand'], rewards },
        createdBy: null,
      });
    await expect(start([{ model: 'beauty' }])).rejects.toThrow(/no reward "beauty".+symmetry/);
    await expect(start([{ model: model.id }])).rejects.toThrow(/picks 1 is queued/);
    await expect(start([{ model: 'symmetry' }, { model: 'symmetry' }])).rejects.toThrow(/twice/);
    const workerId = await worker();
    let claimed = await claimModel(workerId);
    while (claimed && claimed.id !== model.id) claimed = await claimModel(workerId);
    await finishRewardModel({ ...claimed!.claim, made });
    await expect(start([{ model: model.id }], other.pipeline)).rejects.toThrow(/was learned on/);
    expect((await start([{ model: model.id }])).round.config.rewards).toEqual([
      plainTerm(model.id),
    ]);
  });
});
