import { expect, it } from 'vitest';
import { loadGrid } from '@/app/reads/policies/load-grid';
import { loadPolicies } from '@/app/reads/policies/load-policies';
import { loadPolicy } from '@/app/reads/policies/load-policy';
import { loadImages } from '@/app/reads/review/load-images';
import { loadFirstAndNewest, loadRates } from '@/app/reads/review/load-rates';
import { loadRound } from '@/app/reads/rounds/load-round';
import { createPolicy, ensureBasePolicy } from '@/db/policies/policies';
import { recordEvaluation } from '@/db/rounds/metrics';
import { startRun } from '@/db/rounds/runs';
import { recordSamples } from '@/db/rounds/samples';
import { makeSample, withTemporaryHome } from '@/tests/db/support';
import { handsRates, handsVerdict } from '@/tests/support/hands-verdict';
import { handsJudge } from '@/trainer/hands/judge/declaration';

withTemporaryHome();

/** So many of eight images of one policy have blood, as a round draws and measures them. */
async function measure(policyId: string, roundId: string, drawing: string, bloody: number) {
  const samples = Array.from({ length: 8 }, (_, seed) => ({
    ...makeSample({ policyId, roundId, seed, purpose: 'evaluation' }),
    drawing,
    verdict: handsVerdict('judge', { deformed: false, blood: seed < bloody }),
  }));
  await recordSamples({ samples });
  const none = { alignment: null, winRate: null, diversity: null };
  const rates = handsRates({ count: 0, n: 8 }, { count: bloody, n: 8 });
  const summary = { images: 8, judge: 'judge', ...rates, ...none };
  await recordEvaluation({ roundId, policyId, comparedToPolicyId: null, drawing, summary });
  return samples.map(({ id }) => id);
}

async function startRound(method: 'd3po' | 'draft', eta: number) {
  const config = { prompts: ['1 hand'], evaluationPrompts: ['1 hand'], sampling: { eta } };
  const of = { mode: 'single', method, pipeline: 'hands', createdBy: null } as const;
  return (await startRun({ name: method, ...of, config })).round;
}

it('one number stands for a version and how it was drawn, on every page', async () => {
  const base = await ensureBasePolicy({
    pipeline: 'hands',
    name: 'hands',
    hash: 'base',
    manifest: { judge: handsJudge },
  });
  const noisy = await startRound('d3po', 1);
  const ofBase = await measure(base.id, noisy.id, '20 1 5', 4);
  const trained = await createPolicy({
    id: 'trained',
    name: 'hands 1',
    parentId: base.id,
    pipeline: 'hands',
    adapterBlob: 'a'.repeat(64),
    hash: 'trained',
    manifest: {},
    roundId: noisy.id,
  });
  await measure(trained.id, noisy.id, '20 1 5', 2);
  // An experiment draws the base without noise, later than all that.
  const still = await startRound('draft', 0);
  await measure(base.id, still.id, '20 0 5', 8);

  for (const [drawing, blood] of [
    ['20 1 5', { base: 4, trained: 2 }],
    ['20 0 5', { base: 8, trained: undefined }],
  ] as const) {
    const { policies, ...view } = await loadPolicies({ pipeline: 'hands', drawing });
    const onPolicies = (id: string) =>
      policies.find((one) => one.id === id)?.measured?.defects.find((one) => one.id === 'blood')?.of
        .count;
    expect(view.drawing).toBe(drawing);
    expect({ base: onPolicies(base.id), trained: onPolicies(trained.id) }).toEqual(blood);
    const { rates } = await loadRates({ pipeline: 'hands', purpose: 'evaluation', drawing });
    const onReview = (id: string) => rates.find(({ policy }) => policy.id === id)?.nsfw.judge.count;
    expect({ base: onReview(base.id), trained: onReview(trained.id) }).toEqual(blood);
    const shown = { policy: base.id, purpose: 'evaluation', source: 'judge', drawing } as const;
    expect((await loadImages({ ...shown, kind: 'nsfw' })).images).toHaveLength(blood.base);
    const { frames } = await loadGrid({ pipeline: 'hands', offset: 0, drawing });
    const drawnSo = new Set(frames.flatMap(({ images }) => images[0]?.sampleId ?? []));
    expect([...drawnSo].every((id) => ofBase.includes(id) === (drawing === '20 1 5'))).toBe(true);
  }
  // Without a choice: that of most versions, on every page.
  expect((await loadPolicies({})).drawing).toBe('20 1 5');
  expect(await loadFirstAndNewest()).toMatchObject({
    drawing: { words: '20 steps, eta 1, guidance 5' },
    rates: [{ nsfw: { judge: { count: 4 } } }, { nsfw: { judge: { count: 2 } } }],
  });
  // A round and a policy hold like against like.
  const bloodIn = (of: { defects: { id: string; of: { count: number } }[] } | null) =>
    of?.defects.find(({ id }) => id === 'blood')?.of.count;
  expect(bloodIn((await loadRound(noisy.id)).before)).toBe(4);
  expect(bloodIn((await loadRound(still.id)).before)).toBe(8);
  expect(bloodIn((await loadPolicy(trained.id)).parentMeasured)).toBe(4);
});
