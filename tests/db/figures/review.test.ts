import { beforeAll, describe, expect, it } from 'vitest';
import { exportPreferences } from '@/db/exchange/exports';
import { annotatorReports } from '@/db/figures/annotators';
import { defectRates, imagesOfPolicy } from '@/db/figures/review';
import { listFlags, reviewFlag, unsetFlag } from '@/db/labeling/flags';
import { submitPreference } from '@/db/labeling/preferences';
import { labelProgress } from '@/db/labeling/progress';
import { type LeasedPair, leasePairs } from '@/db/leases/pair-leases';
import {
  imageInfo,
  listSamples,
  type NewSample,
  recordSamples,
  samplesById,
  setVerdicts,
} from '@/db/rounds/samples';
import type { Answer } from '@/lib/answers';
import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import { handsVerdict } from '@/tests/support/hands-verdict';
import { setFlag } from '../../support/flags';
import { makeLabelingRound, makePeople, makeSample, withTemporaryHome } from '../support';

withTemporaryHome();

let ann: string;
let bob: string;
let made: Awaited<ReturnType<typeof makeLabelingRound>>;
let evaluated: NewSample[];
let shown: LeasedPair;

async function exported(roundId?: string): Promise<PickAPicRow[]> {
  const rows: PickAPicRow[] = [];
  for await (const row of exportPreferences({ roundId })) rows.push(row);
  return rows;
}

async function answerNext(annotatorId: string, answer: Answer): Promise<LeasedPair> {
  const leased = await leasePairs({ annotatorId });
  if (leased.state !== 'pairs') throw new Error(leased.state);
  const pair = leased.pairs[0]!;
  await submitPreference({
    id: crypto.randomUUID(),
    leaseId: pair.leaseId,
    annotatorId,
    answer,
    shownAtMs: 1000,
    decidedAtMs: 1800,
    guidelinesVersion: 1,
  });
  return pair;
}

beforeAll(async () => {
  [ann, bob] = (await makePeople(2)) as [string, string];
  made = await makeLabelingRound({ pairs: 1, target: 2 });
  const of = {
    policyId: made.base.id,
    roundId: made.round.id,
    purpose: 'evaluation' as const,
  };
  const verdicts = [
    { deformed: true, blood: true },
    { deformed: true, blood: false },
    { deformed: false, blood: false },
    undefined,
  ];
  evaluated = verdicts.map((seen) =>
    makeSample({ ...of, ...(seen && { verdict: handsVerdict('a', seen) }) }),
  );
  await recordSamples({ samples: evaluated });
  shown = await answerNext(ann, 'left');
});

describe('recordSamples', () => {
  it('may be repeated, and counts what there is', async () => {
    await recordSamples({ samples: evaluated });
    expect(await listSamples({ roundId: made.round.id })).toHaveLength(6);
    const [first] = await samplesById([evaluated[0]!.id]);
    expect(first).toMatchObject({
      verdict: { defects: { deformed: { found: true } } },
      purpose: 'evaluation',
    });
    await expect(samplesById(['nobody'])).rejects.toThrow('nobody');
  });

  it('makes images public by their hash, and nothing else', async () => {
    expect(await imageInfo(evaluated[0]!.imageBlob)).toEqual({
      width: 64,
      height: 64,
      thumbnailBlob: null,
    });
    expect(await imageInfo('f'.repeat(64))).toBeNull();
  });
});

describe('defect rates', () => {
  it('divide what a judge flagged by what it judged', async () => {
    const {
      rates: [row],
    } = await defectRates({ pipeline: made.pipeline, purpose: 'evaluation' });
    expect(row).toMatchObject({
      policy: { id: made.base.id },
      images: 4,
      hand: { judge: { count: 2, n: 3 }, annotator: { count: 0, n: 0 } },
      nsfw: { judge: { count: 1, n: 3 } },
    });
  });

  it('divide what people flagged by what people looked at', async () => {
    await setFlag({ sampleId: shown.left.sampleId, kind: 'hand', annotatorId: ann });
    await setFlag({ sampleId: shown.left.sampleId, kind: 'hand', annotatorId: ann });
    await setFlag({ sampleId: shown.left.sampleId, kind: 'hand', annotatorId: bob });
    const {
      rates: [row],
    } = await defectRates({ pipeline: made.pipeline, purpose: 'training' });
    expect(row).toMatchObject({ images: 2, hand: { annotator: { count: 1, n: 2 } } });
    await unsetFlag({ sampleId: shown.left.sampleId, kind: 'hand', annotatorId: bob });
    expect(await listFlags({ source: 'annotator' })).toHaveLength(1);
  });

  it('open their images, and follow a reviewer who rejects a flag', async () => {
    const drillDown = {
      policyId: made.base.id,
      defect: 'hand',
      source: 'judge',
      purpose: 'evaluation',
    } as const;
    const behind = await imagesOfPolicy(drillDown);
    const deformed = [evaluated[0]!.id, evaluated[1]!.id].sort();
    expect(behind.map(({ sample }) => sample.id)).toEqual(deformed);
    const [wrong] = behind;
    const flagId = wrong!.flags.find((flag) => flag.kind === 'hand')!.id;
    await reviewFlag({ flagId, state: 'rejected', reviewedBy: bob });
    expect(await imagesOfPolicy(drillDown)).toHaveLength(1);
    const rates = async () =>
      (await defectRates({ pipeline: made.pipeline, purpose: 'evaluation' })).rates[0]?.hand.judge;
    expect(await rates()).toEqual({ count: 1, n: 3 });
    // The judge reads the image again and insists: the reviewer's word stands.
    const verdict = handsVerdict('a', { deformed: true });
    await setVerdicts([{ sampleId: wrong!.sample.id, verdict }]);
    expect(await rates()).toEqual({ count: 1, n: 3 });
    await reviewFlag({ flagId, state: 'open', reviewedBy: bob });
    expect(await rates()).toEqual({ count: 2, n: 3 });
    await setVerdicts([
      { sampleId: wrong!.sample.id, verdict: handsVerdict('a', { deformed: false }) },
    ]);
    expect(await rates()).toEqual({ count: 1, n: 3 });
    const all = await imagesOfPolicy({ ...drillDown, defect: null, limit: 3 });
    const rest = await imagesOfPolicy({ ...drillDown, defect: null, after: all.at(-1)!.sample.id });
    expect([all.length, rest.length]).toEqual([3, 1]);
  });
});

describe('annotators', () => {
  it('are compared by the image they prefer, whatever side it was on', async () => {
    const seen = await answerNext(bob, 'left');
    const same = seen.left.sampleId === shown.left.sampleId;
    const { annotators, agreement } = await annotatorReports();
    expect(annotators).toMatchObject([
      {
        person: { id: ann },
        figures: { answers: 1, decisionMs: { median: 800, n: 1 } },
        flagged: 1,
      },
      { person: { id: bob }, figures: { agreement: { count: same ? 1 : 0, n: 1 } }, undone: 0 },
    ]);
    expect(agreement.raw).toEqual({ count: same ? 1 : 0, n: 1 });
    expect(JSON.stringify(annotators)).not.toContain('@');
  });

  it('see how far they and the round are', async () => {
    expect(await labelProgress(ann, { dayStartMs: 0 })).toEqual({
      own: { today: 1, round: 1, total: 1 },
      round: { id: made.round.id, ordinal: 1, of: 'pairs', labeled: 2, wanted: 4 },
    });
    expect((await labelProgress(ann, { dayStartMs: Date.now() + 1 })).own.today).toBe(0);
  });
});

describe('the export', () => {
  it('writes Pick-a-Pic columns, the same twice, with nobody recognisable', async () => {
    const rows = await exported();
    expect(await exported(made.round.id)).toEqual(rows);
    expect(rows).toHaveLength(2);
    const first = rows.find((row) => row.image_0_uid === shown.left.imageBlob)!;
    expect(first).toMatchObject({
      caption: '1 hand',
      image_0_uid: shown.left.imageBlob,
      label_0: 1,
      label_1: 0,
      best_image_uid: shown.left.imageBlob,
      are_different: true,
      model_0: 'base',
      num_example_per_prompt: 2,
    });
    expect(new Set(rows.map((row) => row.user_id)).size).toBe(2);
    expect(JSON.stringify(rows)).not.toContain(ann);
  });
});
