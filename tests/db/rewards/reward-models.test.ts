import { describe, expect, it } from 'vitest';
import { newId } from '@/db/ids';
import {
  cancelRewardModel,
  claimRewardModel,
  failRewardModel,
  finishRewardModel,
  getRewardModel,
  listRewardModels,
  releaseRewardModel,
  requestRewardModel,
} from '@/db/rewards/reward-models';
import { startRun } from '@/db/rounds/runs';
import { heartbeatWorker, registerWorker, removeWorker } from '@/db/work/workers';
import { plainTerm, type RewardReport } from '@/lib/rewards';
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

/** A trainer after which nothing waits of what other tests asked for. */
async function idleWorker(): Promise<string> {
  const workerId = await worker();
  for (;;) {
    const model = await claimRewardModel(workerId);
    if (!model) return workerId;
    await failRewardModel({ id: model.id, workerId, error: 'another test' });
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
      const claimed = await claimRewardModel(workerId);
      if (!claimed) break;
      await finishRewardModel({ id: claimed.id, workerId, made });
    }
    expect((await request(pipeline)).version).toBe(2);
    const states = (await listRewardModels({ pipeline })).map(({ state }) => state);
    expect(states).toEqual(['queued', 'ready']);
  });

  it('are taken over from a trainer that ended or fell silent, which then may not report', async () => {
    const model = await request(newId());
    const [first, second, third] = [await worker(), await worker(), await worker()];
    const claim = async (by: string, now?: number) => {
      let claimed = await claimRewardModel(by, now);
      while (claimed && claimed.id !== model.id) {
        await failRewardModel({ id: claimed.id, workerId: by, error: 'another test' });
        claimed = await claimRewardModel(by, now);
      }
      return claimed;
    };
    expect((await claim(first))?.claimedBy).toBe(first);
    expect(await claim(second)).toBeNull();
    await removeWorker(first);
    expect((await claim(second))?.claimedBy).toBe(second);
    await expect(finishRewardModel({ id: model.id, workerId: first, made })).rejects.toMatchObject({
      code: 'work-lost',
    });
    await heartbeatWorker(third);
    expect(await claim(third, Date.now() + 29_000)).toBeNull();
    expect((await claim(third, Date.now() + 31_000))?.claimedBy).toBe(third);
    await releaseRewardModel({ id: model.id, workerId: third });
    expect((await getRewardModel(model.id)).state).toBe('queued');
  });

  it('fail after three trainers or engines, and not by orderly stops', async () => {
    const workerId = await idleWorker();
    const model = await request(newId());
    const claimed = async () => (await claimRewardModel(workerId))?.id;
    for (let stop = 0; stop < 5; stop++) {
      expect(await claimed()).toBe(model.id);
      await releaseRewardModel({ id: model.id, workerId });
    }
    expect(await claimed()).toBe(model.id);
    await releaseRewardModel({ id: model.id, workerId, ended: true });
    for (let death = 0; death < 2; death++) {
      const mortal = await worker();
      expect((await claimRewardModel(mortal))?.id).toBe(model.id);
      await removeWorker(mortal);
    }
    const next = await request(newId());
    expect(await claimed()).toBe(next.id);
    await failRewardModel({ id: next.id, workerId, error: 'enough' });
    expect(await getRewardModel(model.id)).toMatchObject({
      state: 'failed',
      claimedBy: null,
      error: expect.stringMatching(/ended its trainer 3 times.+memory/),
    });
  });

  it('are cancelled on their way, and not later', async () => {
    const pipeline = newId();
    const [workerId, actorId] = [await idleWorker(), null];
    const waiting = await request(pipeline);
    await cancelRewardModel(waiting.id, actorId);
    expect(await claimRewardModel(workerId)).toBeNull();
    await expect(cancelRewardModel(waiting.id, actorId)).rejects.toThrow(/Picks 1 is cancelled/);

    const claimed = await request(pipeline);
    expect((await claimRewardModel(workerId))?.id).toBe(claimed.id);
    await cancelRewardModel(claimed.id, actorId);
    await expect(finishRewardModel({ id: claimed.id, workerId, made })).rejects.toMatchObject({
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
    let claimed = await claimRewardModel(workerId);
    while (claimed && claimed.id !== model.id) claimed = await claimRewardModel(workerId);
    await finishRewardModel({ id: model.id, workerId, made });
    await expect(start([{ model: model.id }], other.pipeline)).rejects.toThrow(/was learned on/);
    expect((await start([{ model: model.id }])).round.config.rewards).toEqual([
      plainTerm(model.id),
    ]);
  });
});
