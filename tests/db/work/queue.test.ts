import { beforeEach, describe, expect, it } from 'vitest';
import { getRound, listRounds, pauseRound, resumeRound, retryRound } from '@/db/rounds/rounds';
import { cancelRun, listRuns, resumeRun } from '@/db/rounds/runs';
import {
  checkpointWork,
  claimWork,
  failWork,
  heartbeatWork,
  releaseWork,
  takeoverMs,
} from '@/db/work/queue';
import { finishSampling } from '@/db/work/results';
import { listWorkers, registerWorker, removeWorker } from '@/db/work/workers';
import { listPairs } from '@/tests/support/list-pairs';
import { getRun } from '../../support/runs';
import { addPairs, makeRun, withTemporaryHome } from '../support';

withTemporaryHome();

beforeEach(async () => {
  for (const run of await listRuns()) await cancelRun(run.id, null);
});

async function claim(workerId: string, now = Date.now()) {
  const claimed = await claimWork({ workerId, now });
  if (!claimed) throw new Error(`${workerId} found no work`);
  return { ...claimed, claim: { workId: claimed.work.id, workerId } };
}

describe('claiming work', () => {
  it('gives a piece of work to one worker only', async () => {
    await makeRun();
    const both = await Promise.all(['a', 'b'].map((workerId) => claimWork({ workerId })));
    expect(both.filter((one) => one !== null)).toHaveLength(1);
  });

  it('is taken over with its cursor after 30 s of silence, and the silent one is told', async () => {
    await makeRun();
    const now = Date.now();
    const { claim: first } = await claim('a', now);
    await checkpointWork({ ...first, cursor: { next: 7 }, progress: { etaSeconds: 60 }, now });
    expect(await claimWork({ workerId: 'b', now: now + takeoverMs })).toBeNull();
    const taken = await claim('b', now + takeoverMs + 1);
    expect(taken.work).toMatchObject({ cursor: { next: 7 }, claimedBy: 'b', attempts: 1 });
    expect(taken.round.progress.etaSeconds).toBe(60);
    expect(await heartbeatWork(first)).toEqual({ proceed: false, because: 'lost' });
    await expect(checkpointWork({ ...first, cursor: 0 })).rejects.toMatchObject({
      code: 'work-lost',
    });
    await expect(finishSampling(first)).rejects.toThrow("no longer a's");
    await finishSampling(taken.claim);
  });

  it('goes on at once when the dead worker is taken off the list', async () => {
    await makeRun();
    await registerWorker({ id: 'a', pid: 1, host: 'here', device: 'cpu' });
    await claim('a');
    expect(await listWorkers()).toMatchObject([{ id: 'a', alive: true }]);
    expect(await listWorkers(Date.now() + takeoverMs + 1)).toMatchObject([{ alive: false }]);
    await removeWorker('a');
    expect((await claim('b')).work.attempts).toBe(2);
    expect(await listWorkers()).toEqual([]);
  });

  it('fails the round when work keeps killing its workers', async () => {
    const { round, run } = await makeRun();
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await claim(id);
      await removeWorker(id);
    }
    expect(await claimWork({ workerId: 'f' })).toBeNull();
    expect(await getRound(round.id)).toMatchObject({ state: 'failed' });
    expect((await getRound(round.id)).error).toContain('out of memory');
    expect((await getRun(run.id)).status).toBe('failed');
  });

  it('stops at the next heartbeat when paused, and goes on where it was', async () => {
    const { round, run } = await makeRun();
    const { claim: first } = await claim('a');
    expect(await heartbeatWork(first)).toEqual({ proceed: true });
    await pauseRound(round.id, null);
    expect(await heartbeatWork(first)).toEqual({ proceed: false, because: 'paused' });
    await checkpointWork({ ...first, cursor: 'middle' });
    await releaseWork(first);
    expect(await claimWork({ workerId: 'b' })).toBeNull();
    await resumeRound(round.id, null);
    expect((await claim('b')).work.cursor).toBe('middle');
    await cancelRun(run.id, null);
    expect(await heartbeatWork({ ...first, workerId: 'b' })).toEqual({
      proceed: false,
      because: 'cancelled',
    });
  });
});

describe('work that fails', () => {
  it('fails its round and run with its message; tried again, it goes on from its checkpoint', async () => {
    const { round, run } = await makeRun();
    await addPairs(round, 2);
    const { claim: first } = await claim('a');
    await checkpointWork({ ...first, cursor: 3 });
    await failWork({ ...first, error: 'The disk is full. Free 2 GB, then try again.' });
    expect(await getRound(round.id)).toMatchObject({
      state: 'failed',
      error: 'The disk is full. Free 2 GB, then try again.',
    });
    expect(await listPairs({ roundId: round.id, state: 'open' })).toEqual([]);
    expect((await getRun(run.id)).status).toBe('failed');

    await retryRound(round.id, null);
    expect(await getRound(round.id)).toMatchObject({ state: 'sampling', error: null });
    expect(await listPairs({ roundId: round.id, state: 'open' })).toHaveLength(2);
    expect((await claim('a')).work.cursor).toBe(3);
    await expect(retryRound(round.id, null)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('lets a resumed run start a new round instead', async () => {
    const { run } = await makeRun();
    const { claim: first } = await claim('a');
    await failWork({ ...first, error: 'broken' });
    await resumeRun(run.id, null);
    const [next, failed] = await listRounds({ runId: run.id });
    expect([next, failed]).toMatchObject([
      { ordinal: 2, state: 'sampling' },
      { ordinal: 1, state: 'failed' },
    ]);
    await expect(retryRound(failed!.id, null)).rejects.toThrow('Another round');
  });
});
