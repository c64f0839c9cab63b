import { expect, it } from 'vitest';
import { judgeAgreement, unreadSeenSamples } from '@/db/figures/judge-agreement';
import { listFlags, reviewFlag } from '@/db/labeling/flags';
import { recordSamples, setVerdicts } from '@/db/rounds/samples';
import type { FlagKind } from '@/lib/flags';
import { handsVerdict } from '@/tests/support/hands-verdict';
import { setFlag } from '../../support/flags';
import { makeLabelingRound, makePeople, makeSample, withTemporaryHome } from '../support';

withTemporaryHome();

it('counts what judge and people mark, of what both have looked at', async () => {
  const [annotatorId, reviewerId] = (await makePeople(2)) as [string, string];
  const { base, round } = await makeLabelingRound({ pairs: 1 });
  const { pipeline } = base;
  const of = { policyId: base.id, roundId: round.id, purpose: 'training' as const };
  const drawn = async (
    judged: { deformed: boolean } | undefined,
    flagged: FlagKind | undefined,
    name = 'a',
  ) => {
    const sample = makeSample({ ...of, ...(judged && { verdict: handsVerdict(name, judged) }) });
    await recordSamples({ samples: [sample] });
    if (flagged) await setFlag({ sampleId: sample.id, kind: flagged, annotatorId });
    return sample.id;
  };
  const agreed = await drawn({ deformed: true }, 'hand');
  await drawn({ deformed: true }, 'hand');
  await drawn({ deformed: true }, 'text');
  await drawn({ deformed: false }, 'hand');
  await drawn({ deformed: false }, 'text');
  await drawn({ deformed: false }, 'other');
  // Nobody has looked at these, or no judge has.
  await drawn({ deformed: true }, undefined);
  const unread = await drawn(undefined, 'hand');
  const another = await drawn({ deformed: true }, 'hand', 'b');

  const now = () => judgeAgreement(pipeline, 'hand', 'c');
  expect(await judgeAgreement(pipeline, 'hand', 'a')).toEqual({
    both: 2,
    firstOnly: 1,
    secondOnly: 1,
    neither: 2,
  });
  expect(await judgeAgreement(pipeline, 'hand')).toMatchObject({ both: 3 });
  expect(await judgeAgreement(pipeline, 'nsfw', 'a')).toEqual({
    both: 0,
    firstOnly: 0,
    secondOnly: 0,
    neither: 6,
  });
  expect(await judgeAgreement('others', 'hand', 'a')).toMatchObject({ neither: 0 });
  expect(await now()).toMatchObject({ neither: 0 });

  const flags = await listFlags({ state: 'open', kind: 'hand', source: 'annotator', limit: 50 });
  const { flag } = flags.find(({ sample }) => sample.id === agreed)!;
  await reviewFlag({ flagId: flag.id, state: 'rejected', reviewedBy: reviewerId });
  expect(await judgeAgreement(pipeline, 'hand', 'a')).toMatchObject({ both: 1, firstOnly: 2 });
  const judged = await listFlags({ state: 'open', kind: 'hand', source: 'judge', limit: 50 });
  const own = judged.find(({ sample }) => sample.id === agreed)!;
  await reviewFlag({ flagId: own.flag.id, state: 'confirmed', reviewedBy: reviewerId });
  expect(await judgeAgreement(pipeline, 'hand', 'a')).toMatchObject({ both: 2, firstOnly: 1 });

  const waiting = async (limit: number) => {
    const samples = await unreadSeenSamples(pipeline, 'a', limit);
    return samples.map(({ id }) => id);
  };
  expect((await waiting(10)).sort()).toEqual([unread, another].sort());
  expect(await waiting(1)).toHaveLength(1);
  await setVerdicts([{ sampleId: unread, verdict: handsVerdict('a', { deformed: true }) }]);
  expect(await waiting(10)).toEqual([another]);
});
