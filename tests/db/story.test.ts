import { expect, it } from 'vitest';
import { trainingPairsOf } from '@/db/answers/training-data';
import { eventsAfter } from '@/db/events';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { setServing } from '@/db/policies/aliases';
import { createPolicy } from '@/db/policies/policies';
import { advanceDueRounds } from '@/db/rounds/advance';
import { recordEvaluation } from '@/db/rounds/metrics';
import { getRound, listRounds } from '@/db/rounds/rounds';
import { claimWork } from '@/db/work/queue';
import { finishEvaluation, finishTraining } from '@/db/work/results';
import { handsRates } from '@/tests/support/hands-verdict';
import { servingPolicy } from '../support/policies';
import { getRun } from '../support/runs';
import { makeLabelingRound, makePeople, withTemporaryHome } from './support';

withTemporaryHome();

it('takes an online run from picks to a served policy, the next round and back again', async () => {
  const [annotator] = await makePeople(1);
  const { run, round, base, pipeline } = await makeLabelingRound({
    pairs: 3,
    mode: 'online',
    labeling: { undoWindowSeconds: 10 },
    serving: { rule: 'always' },
  });
  const answers = ['left', 'right', 'tie'] as const;
  const at = Date.now();
  for (const answer of answers) {
    const leased = await leasePairs({ annotatorId: annotator!, now: at });
    if (leased.state !== 'pairs') throw new Error(leased.state);
    const result = await submitPreference({
      id: crypto.randomUUID(),
      leaseId: leased.pairs[0]!.leaseId,
      annotatorId: annotator!,
      answer,
      shownAtMs: at,
      decidedAtMs: at + 700,
      guidelinesVersion: 1,
      now: at,
    });
    expect(result).toMatchObject({ status: 'accepted', duplicate: false, undoUntil: at + 10_000 });
  }
  expect((await leasePairs({ annotatorId: annotator! })).state).toBe('done');
  expect((await getRound(round.id)).progress.labeled).toBe(3);

  const workerId = 'worker';
  await advanceDueRounds(at + 9_999);
  expect(await claimWork({ workerId })).toBeNull();
  await advanceDueRounds(at + 10_000);
  const training = await claimWork({ workerId });
  expect(training).toMatchObject({ work: { kind: 'train' }, round: { state: 'training' } });
  expect(training?.round.manifest?.trainingData).toMatchObject({
    answers: 3,
    used: 2,
    undecided: 1,
    trainingPairs: 2,
  });
  const trainingPairs = await trainingPairsOf(round.id);
  expect(trainingPairs.map((pair) => pair.weight)).toEqual([1, 1]);

  const policy = await createPolicy({
    name: 'after round 1',
    parentId: base.id,
    pipeline,
    adapterBlob: 'a'.repeat(64),
    hash: 'trained',
    manifest: {},
    roundId: round.id,
  });
  const trained = { workId: training!.work.id, workerId };
  await finishTraining({ ...trained, resultPolicyId: policy.id });
  const evaluating = await claimWork({ workerId });
  expect(evaluating).toMatchObject({ work: { kind: 'evaluate' }, round: { state: 'evaluating' } });
  await recordEvaluation({
    roundId: round.id,
    policyId: policy.id,
    comparedToPolicyId: base.id,
    summary: {
      images: 10,
      ...handsRates({ count: 1, n: 10 }),
      alignment: 0.9,
      winRate: { wins: 6, ties: 2, n: 10 },
      diversity: 0.4,
    },
  });
  await finishEvaluation({ workId: evaluating!.work.id, workerId });

  expect(await getRound(round.id)).toMatchObject({ state: 'done', resultPolicyId: policy.id });
  expect((await servingPolicy(pipeline)).id).toBe(policy.id);
  const [next] = await listRounds({ runId: run.id });
  expect(next).toMatchObject({ ordinal: 2, state: 'sampling', startPolicyId: policy.id });
  expect((await getRun(run.id)).status).toBe('active');

  await setServing(base.id, annotator!);
  expect((await servingPolicy(pipeline)).id).toBe(base.id);
  const states = (await eventsAfter(0, { roundId: round.id })).flatMap((event) =>
    event.kind === 'round' ? [event.payload.state] : [],
  );
  expect(states).toEqual(['sampling', 'labeling', 'training', 'evaluating', 'done']);
});
