import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { trainingPairsOf } from '@/db/answers/training-data';
import { db } from '@/db/client';
import { skipPair, submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { pausePerson } from '@/db/people/users';
import { setServing } from '@/db/policies/aliases';
import { createPolicy } from '@/db/policies/policies';
import { advanceReadyRounds, closeLabeling } from '@/db/rounds/advance';
import { recordEvaluation } from '@/db/rounds/metrics';
import {
  addToManifest,
  cancelRound,
  getRound,
  listRounds,
  updateProgress,
} from '@/db/rounds/rounds';
import { cancelRun, listRuns, resumeRun, startRun } from '@/db/rounds/runs';
import { claimWork } from '@/db/work/queue';
import { finishEvaluation, finishTraining } from '@/db/work/results';
import type { Answer } from '@/lib/answers';
import type { EvaluationSummary } from '@/lib/metrics';
import { handsRates } from '@/tests/support/hands-verdict';
import { listPairs } from '@/tests/support/list-pairs';
import { servingPolicy } from '../../support/policies';
import { getRun } from '../../support/runs';
import { makeLabelingRound, makePeople, makeRun, withTemporaryHome } from '../support';

withTemporaryHome();

beforeEach(async () => {
  for (const run of await listRuns()) await cancelRun(run.id, null);
});

async function answerNext(annotatorId: string, answer: Answer, now: number) {
  const leased = await leasePairs({ annotatorId, now });
  if (leased.state !== 'pairs') throw new Error(leased.state);
  const [pair] = leased.pairs;
  await submitPreference({
    id: crypto.randomUUID(),
    leaseId: pair!.leaseId,
    annotatorId,
    answer,
    shownAtMs: now,
    decidedAtMs: now,
    guidelinesVersion: null,
    now,
  });
  return pair!;
}

describe('the end of labeling', () => {
  const labeling = { undoWindowSeconds: 10 };

  it('comes when everybody has skipped what is left', async () => {
    const [ann, bob] = await makePeople(2);
    const { round } = await makeLabelingRound({ pairs: 2, labeling });
    const now = Date.now();
    const skipNext = async (annotatorId: string) => {
      const leased = await leasePairs({ annotatorId, now });
      if (leased.state !== 'pairs') throw new Error(leased.state);
      await skipPair({ leaseId: leased.pairs[0]!.leaseId, annotatorId, now });
    };
    const stateLater = async () => {
      await advanceReadyRounds(now + 60_000);
      return (await getRound(round.id)).state;
    };
    await answerNext(ann!, 'left', now);
    expect(await stateLater()).toBe('labeling');
    await skipNext(ann!);
    // Bob has been served the pair that Ann skipped: it is not given up before he has judged it.
    await leasePairs({ annotatorId: bob!, now });
    expect(await stateLater()).toBe('labeling');
    await skipNext(bob!);
    expect(await stateLater()).toBe('training');
    expect(await listPairs({ roundId: round.id, state: 'withdrawn' })).toHaveLength(1);
  });

  it('waits for the second person of a pair, though the first has judged all', async () => {
    const [ann, bob] = await makePeople(2);
    const { round } = await makeLabelingRound({
      pairs: 2,
      target: 2,
      labeling: { ...labeling, annotatorsPerPair: 2 },
    });
    const now = Date.now();
    const stateLater = async () => {
      await advanceReadyRounds(now + 60_000);
      return (await getRound(round.id)).state;
    };
    await answerNext(ann!, 'left', now);
    await answerNext(ann!, 'left', now);
    expect(await stateLater()).toBe('labeling');
    await answerNext(bob!, 'left', now);
    const leased = await leasePairs({ annotatorId: bob!, now });
    if (leased.state !== 'pairs') throw new Error(leased.state);
    await skipPair({ leaseId: leased.pairs[0]!.leaseId, annotatorId: bob!, now });
    expect(await stateLater()).toBe('training');
  });

  it('leaves out who is paused, and weighs two people by their agreement', async () => {
    const [ann, bob, eve] = await makePeople(3);
    const { round, pairIds } = await makeLabelingRound({ pairs: 1, target: 3, labeling });
    const now = Date.now();
    const shown = await answerNext(ann!, 'left', now);
    await answerNext(bob!, 'tie', now);
    await answerNext(eve!, 'right', now);
    await pausePerson(eve!, null);
    await advanceReadyRounds(now + 10_000);
    expect((await getRound(round.id)).manifest?.trainingData).toEqual({
      answers: 3,
      used: 1,
      tooYoung: 0,
      heldBack: 1,
      undecided: 1,
      trainingPairs: 1,
      until: now,
    });
    expect(await trainingPairsOf(round.id)).toMatchObject([
      { ordinal: 0, pairId: pairIds[0], winner: { id: shown.left.sampleId }, weight: 0.5 },
    ]);
  });

  it('fails the round when no answer prefers anything, and a resumed run draws again', async () => {
    const [ann] = await makePeople(1);
    const { round, run } = await makeLabelingRound({ pairs: 2, mode: 'online', labeling });
    const now = Date.now();
    await answerNext(ann!, 'tie', now);
    await answerNext(ann!, 'both-bad', now);
    await advanceReadyRounds(now + 10_000);
    const failed = await getRound(round.id);
    expect(failed.state).toBe('failed');
    expect(failed.error).toContain('None of the 2 answers');
    await resumeRun(run.id, null);
    expect((await listRounds({ runId: run.id }))[0]).toMatchObject({ ordinal: 2 });
  });

  it('can be asked for early, once there is an answer that cannot be undone', async () => {
    const [ann] = await makePeople(1);
    const { round } = await makeLabelingRound({ pairs: 2, labeling });
    await answerNext(ann!, 'left', Date.now());
    await expect(closeLabeling(round.id, null)).rejects.toThrow('older than 10 s');
    await answerNext(ann!, 'right', Date.now() - 10_000);
    await closeLabeling(round.id, null);
    expect((await getRound(round.id)).manifest?.trainingData).toMatchObject({
      answers: 2,
      tooYoung: 1,
      trainingPairs: 1,
    });
  });
});

/** Labels, trains and evaluates a round with the given record of the new policy against the old. */
async function playRound(
  roundId: string,
  pipeline: string,
  wins: number,
  alarms?: EvaluationSummary['alarms'],
): Promise<string> {
  await advanceReadyRounds(Date.now() + 3600_000);
  const training = await claimWork({ workerId: 'w' });
  const round = await getRound(roundId);
  const policy = await createPolicy({
    name: `after ${round.ordinal}`,
    parentId: round.startPolicyId,
    pipeline,
    adapterBlob: 'a'.repeat(64),
    hash: crypto.randomUUID(),
    manifest: {},
    roundId,
  });
  await finishTraining({
    workId: training!.work.id,
    workerId: 'w',
    resultPolicyId: policy.id,
    manifest: { seeds: [1] },
  });
  const evaluating = await claimWork({ workerId: 'w' });
  await recordEvaluation({
    roundId,
    policyId: policy.id,
    comparedToPolicyId: round.startPolicyId,
    summary: {
      images: 100,
      ...handsRates({ count: 0, n: 100 }),
      alignment: null,
      winRate: { wins, ties: 0, n: 100 },
      diversity: null,
      ...(alarms && { alarms }),
    },
  });
  await finishEvaluation({ workId: evaluating!.work.id, workerId: 'w' });
  return policy.id;
}

describe('the end of a round', () => {
  async function labeled(serving: { rule: 'better' | 'manual'; maxRounds?: number }) {
    const [ann] = await makePeople(1);
    const made = await makeLabelingRound({ pairs: 2, mode: 'online', serving });
    await answerNext(ann!, 'left', Date.now());
    await answerNext(ann!, 'right', Date.now());
    return made;
  }

  it('does not serve what is worse, and the next round starts from what is served', async () => {
    const { round, run, pipeline, base } = await labeled({ rule: 'better' });
    await playRound(round.id, pipeline, 20);
    expect((await servingPolicy(pipeline)).id).toBe(base.id);
    const [next] = await listRounds({ runId: run.id });
    expect(next).toMatchObject({ ordinal: 2, startPolicyId: base.id });
    expect((await getRound(round.id)).manifest).toMatchObject({ seeds: [1] });
  });

  it('goes on from what is not worse, and serves it once it is better beyond chance', async () => {
    const { round, run, pipeline, base } = await labeled({ rule: 'better' });
    const policyId = await playRound(round.id, pipeline, 52);
    expect((await servingPolicy(pipeline)).id).toBe(base.id);
    expect((await listRounds({ runId: run.id }))[0]).toMatchObject({ startPolicyId: policyId });
  });

  it('serves what is better beyond chance', async () => {
    const other = await labeled({ rule: 'better' });
    const better = await playRound(other.round.id, other.pipeline, 80);
    expect((await servingPolicy(other.pipeline)).id).toBe(better);
  });

  it('starts the next round from what somebody has served meanwhile', async () => {
    const { round, run, pipeline, base } = await labeled({ rule: 'better' });
    const [ann] = await makePeople(1);
    const rolledBack = await createPolicy({
      id: crypto.randomUUID(),
      name: 'chosen',
      parentId: base.id,
      pipeline,
      adapterBlob: 'b'.repeat(64),
      hash: crypto.randomUUID(),
      manifest: {},
      roundId: null,
    });
    await setServing(rolledBack.id, ann!);
    await playRound(round.id, pipeline, 90);
    expect((await servingPolicy(pipeline)).id).toBe(rolledBack.id);
    expect((await listRounds({ runId: run.id }))[0]?.startPolicyId).toBe(rolledBack.id);
  });

  it('neither serves what hacked its reward nor does the same again unasked', async () => {
    const { round, run, pipeline, base } = await labeled({ rule: 'better' });
    await playRound(round.id, pipeline, 90, [{ signal: 'deformed', before: 0.7, after: 0.1 }]);
    expect((await servingPolicy(pipeline)).id).toBe(base.id);
    expect((await getRun(run.id)).status).toBe('paused');
    expect(await listRounds({ runId: run.id })).toHaveLength(1);
    await resumeRun(run.id, null);
    expect(await listRounds({ runId: run.id })).toHaveLength(2);
  });

  it('ends a run after its last round', async () => {
    const { round, run, pipeline } = await labeled({ rule: 'manual', maxRounds: 1 });
    const policyId = await playRound(round.id, pipeline, 90);
    expect((await getRun(run.id)).status).toBe('done');
    expect(await listRounds({ runId: run.id })).toHaveLength(1);
    expect((await servingPolicy(pipeline)).id).not.toBe(policyId);
    await setServing(policyId, null);
    expect((await servingPolicy(pipeline)).id).toBe(policyId);
  });
});

describe('a round', () => {
  it('that is cancelled ends its run, or makes an online run wait', async () => {
    const single = await makeRun();
    await cancelRound(single.round.id, null);
    expect((await getRun(single.run.id)).status).toBe('cancelled');
    await expect(resumeRun(single.run.id, null)).rejects.toMatchObject({ code: 'conflict' });
    const online = await makeRun({}, 'online');
    await cancelRound(online.round.id, null);
    expect((await getRun(online.run.id)).status).toBe('paused');
    expect(await claimWork({ workerId: 'w' })).toBeNull();
    await resumeRun(online.run.id, null);
    expect(await claimWork({ workerId: 'w' })).toMatchObject({ round: { ordinal: 2 } });
  });

  it('keeps what it is told of its progress and manifest', async () => {
    const { round } = await makeRun();
    await updateProgress(round.id, { trainSteps: 10 });
    await updateProgress(round.id, { trainedSteps: 4 });
    expect((await getRound(round.id)).progress).toMatchObject({ trainSteps: 10, trainedSteps: 4 });
    await expect(updateProgress(round.id, { trainedSteps: -1 })).rejects.toThrow();
    await addToManifest(round.id, { device: 'cpu' });
    await addToManifest(round.id, { seed: 1 });
    expect((await getRound(round.id)).manifest).toEqual({ device: 'cpu', seed: 1 });
  });

  it('is not started with a configuration, method or policy that cannot be', async () => {
    const { pipeline } = await makeRun();
    const other = await makeRun();
    const start = (rest: object) =>
      startRun({
        name: 'x',
        mode: 'single',
        method: 'd3po',
        pipeline,
        config: { prompts: ['1 hand'], evaluationPrompts: ['1 hand'] },
        createdBy: null,
        ...rest,
      });
    await expect(start({ config: { prompts: [] } })).rejects.toThrow('prompts');
    await expect(start({ method: 'unheard-of' })).rejects.toThrow('d3po');
    await expect(start({ startPolicyId: other.base.id })).rejects.toThrow('belongs to');
    await expect(start({ pipeline: 'unknown' })).rejects.toMatchObject({ code: 'not-found' });
  });
});

it('reads the configuration of an earlier version with the defaults of settings that came since', async () => {
  const { round } = await makeRun();
  const { noisiestShare, ...training } = round.config.training;
  const config = JSON.stringify({ ...round.config, training });
  db().run(sql`update rounds set config = ${config} where id = ${round.id}`);
  expect((await getRound(round.id)).config.training).toEqual({ ...training, noisiestShare: 1 });
});
