import { describe, expect, it } from 'vitest';
import { answerCounts } from '@/db/figures/answer-counts';
import { flagCounts } from '@/db/figures/flag-counts';
import { timestepMeans } from '@/db/figures/timestep-means';
import { listFlags, reviewFlag } from '@/db/labeling/flags';
import { submitPreference, undoPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { findUser, pausePerson } from '@/db/people/users';
import { createPolicy } from '@/db/policies/policies';
import { evaluationFrames } from '@/db/rounds/evaluation-frames';
import { recordTrainSteps } from '@/db/rounds/metrics';
import { recordSamples } from '@/db/rounds/samples';
import type { Answer } from '@/lib/answers';
import { setFlag } from '../support/flags';
import { makeLabelingRound, makePeople, makeRun, makeSample, withTemporaryHome } from './support';

withTemporaryHome();

async function answer(annotatorId: string, given: Answer, now: number): Promise<string> {
  const leased = await leasePairs({ annotatorId, count: 1, now });
  if (leased.state !== 'pairs') throw new Error(`no pair: ${leased.state}`);
  const id = crypto.randomUUID();
  await submitPreference({
    id,
    leaseId: leased.pairs[0]!.leaseId,
    annotatorId,
    answer: given,
    shownAtMs: now - 1000,
    decidedAtMs: now,
    guidelinesVersion: null,
    now,
  });
  return id;
}

describe('answerCounts', () => {
  it('counts what stands, whose answers are held back, and the recent pace', async () => {
    const { round } = await makeLabelingRound({ pairs: 4, target: 2 });
    const [ann, bob] = (await makePeople(2)) as [string, string];
    const start = Date.now();
    await answer(ann, 'left', start);
    await answer(ann, 'tie', start + 1000);
    const undone = await answer(ann, 'right', start + 2000);
    await undoPreference({ preferenceId: undone, annotatorId: ann, now: start + 2500 });
    await answer(bob, 'both-bad', start + 3000);
    await pausePerson(bob, null);

    expect(await answerCounts(round.id, { recentSince: start + 500 })).toEqual({
      byAnswer: { left: 1, right: 0, tie: 1, 'both-bad': 1 },
      heldBack: [{ name: (await findUser(bob))!.name, answers: 1 }],
      annotators: 2,
      recent: { count: 2, firstAt: start + 1000 },
    });
  });

  it('is all zero before anybody has answered', async () => {
    const { round } = await makeRun();
    expect(await answerCounts(round.id, { recentSince: 0 })).toEqual({
      byAnswer: { left: 0, right: 0, tie: 0, 'both-bad': 0 },
      heldBack: [],
      annotators: 0,
      recent: { count: 0, firstAt: null },
    });
  });
});

describe('evaluationFrames', () => {
  it('puts seeds that every policy has drawn first, then goes by seed', async () => {
    const { base, round } = await makeRun();
    const trained = await createPolicy({
      name: 'trained',
      parentId: base.id,
      pipeline: base.pipeline,
      adapterBlob: 'a',
      hash: crypto.randomUUID(),
      manifest: {},
      roundId: round.id,
    });
    const draw = (policyId: string, seed: number, prompt: string) =>
      makeSample({ policyId, roundId: round.id, seed, prompt, purpose: 'evaluation' });
    await recordSamples({
      samples: [
        draw(base.id, 1, 'only base'),
        draw(base.id, 3, 'both'),
        draw(trained.id, 3, 'both'),
        draw(base.id, 2, 'both too'),
        draw(trained.id, 2, 'both too'),
        // Another prompt on the same seed is another frame.
        draw(trained.id, 2, 'only trained'),
        makeSample({ policyId: base.id, roundId: round.id, seed: 3, prompt: 'both' }),
      ],
    });
    const policyIds = [base.id, trained.id];
    const frames = await evaluationFrames({ policyIds, limit: 10 });
    expect(
      frames.map(({ prompt, samples }) => [prompt, samples.map((one) => one?.policyId ?? null)]),
    ).toEqual([
      ['both too', [base.id, trained.id]],
      ['both', [base.id, trained.id]],
      ['only base', [base.id, null]],
      ['only trained', [null, trained.id]],
    ]);
    const second = await evaluationFrames({ policyIds, limit: 1, offset: 1 });
    expect(second.map(({ prompt }) => prompt)).toEqual(['both']);
    expect(await evaluationFrames({ policyIds: [], limit: 5 })).toEqual([]);
  });

  it('shows the drawing asked for where a policy has drawn a seed under several settings', async () => {
    const { base, round } = await makeRun();
    const drawn = ['20 1 5', '20 0 5', '10 1 5'].map((drawing) => ({
      ...makeSample({
        policyId: base.id,
        roundId: round.id,
        seed: 1,
        prompt: 'p',
        purpose: 'evaluation',
      }),
      drawing,
    }));
    await recordSamples({ samples: drawn });
    for (const { id, drawing } of drawn) {
      const [frame] = await evaluationFrames({ policyIds: [base.id], limit: 1, drawing });
      expect(frame?.samples.map((sample) => sample?.id)).toEqual([id]);
    }
  });
});

describe('timestepMeans', () => {
  it('averages each metric over the steps, noisiest timestep first', async () => {
    const { round } = await makeRun();
    const metrics = (loss: number, gradNorm?: number) => ({
      loss,
      implicitAccuracy: 1,
      logRatioWinner: 0,
      logRatioLoser: 0,
      clipFraction: 0,
      kl: 0,
      gradNorm,
    });
    await recordTrainSteps(round.id, [
      { step: 0, timestep: null, metrics: metrics(9) },
      { step: 0, timestep: 1, metrics: metrics(1) },
      { step: 0, timestep: 901, metrics: metrics(2, 4) },
      { step: 1, timestep: 901, metrics: metrics(4, 8) },
    ]);
    const means = await timestepMeans(round.id);
    expect(
      means.map(({ timestep, steps, metrics: { loss, gradNorm } }) => [
        timestep,
        steps,
        loss,
        gradNorm,
      ]),
    ).toEqual([
      [901, 2, 3, 6],
      [1, 1, 1, undefined],
    ]);
  });
});

describe('flagCounts', () => {
  it('counts flags by state', async () => {
    const { base, round } = await makeRun();
    const [ann] = (await makePeople(1)) as [string];
    const sample = makeSample({ policyId: base.id, roundId: round.id });
    await recordSamples({ samples: [sample] });
    const before = await flagCounts();
    await setFlag({ sampleId: sample.id, kind: 'hand', annotatorId: ann });
    await setFlag({ sampleId: sample.id, kind: 'text', annotatorId: ann });
    const [one] = await listFlags({ sampleId: sample.id });
    await reviewFlag({ flagId: one!.flag.id, state: 'rejected', reviewedBy: ann });
    expect(await flagCounts()).toEqual({
      open: before.open + 1,
      confirmed: before.confirmed,
      rejected: before.rejected + 1,
    });
  });
});
